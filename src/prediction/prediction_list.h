/* The built-in predictions: ITO_CHOICE(prediction, NAME) is ito__prediction_NAME, in src/prediction/NAME.c; edm, whose name
 * other axes have too, is in predict_edm.c. */
ITO_CHOICE(prediction, eps)
ITO_CHOICE(prediction, x0)
ITO_CHOICE(prediction, v)
ITO_CHOICE(prediction, score)
ITO_CHOICE(prediction, velocity)
ITO_CHOICE(prediction, edm)
ITO_CHOICE(prediction, mu)
