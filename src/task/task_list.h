/* The built-in tasks: ITO_CHOICE(task, NAME) is the descriptor ito__task_NAME, in src/task/task_NAME.c. */
ITO_CHOICE(task, denoiser)
ITO_CHOICE(task, classifier)
