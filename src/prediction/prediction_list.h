/* The built-in predictions: ITO_CHOICE(prediction, NAME) is ito__prediction_NAME, in src/prediction/NAME.c. */
ITO_CHOICE(prediction, eps)
ITO_CHOICE(prediction, x0)
ITO_CHOICE(prediction, v)
