/* The built-in loss forms: ITO_CHOICE(loss, NAME) is the descriptor ito__loss_NAME, in src/loss/NAME.c. */
ITO_CHOICE(loss, l2)
ITO_CHOICE(loss, l1)
ITO_CHOICE(loss, huber)
ITO_CHOICE(loss, pseudo_huber)
