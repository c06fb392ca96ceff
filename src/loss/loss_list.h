/* The built-in loss forms: ITO_CHOICE(loss, NAME) is the descriptor ito__loss_NAME, in src/loss/NAME.c. */
ITO_CHOICE(loss, l2)
