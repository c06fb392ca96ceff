/* The built-in objectives: ITO_CHOICE(objective, NAME) is the descriptor ito__objective_NAME, in src/objective/NAME.c; vlb, a
 * name that other folders have too, is in objective_vlb.c. */
ITO_CHOICE(objective, error)
ITO_CHOICE(objective, hybrid)
ITO_CHOICE(objective, vlb)
ITO_CHOICE(objective, sliced)
