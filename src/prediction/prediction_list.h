/* The built-in predictions: ITO_PREDICTION(NAME) is the descriptor ito__prediction_NAME, in src/prediction/NAME.c. */
ITO_PREDICTION(eps)
ITO_PREDICTION(x0)
ITO_PREDICTION(v)
