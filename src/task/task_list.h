/* The built-in tasks: ITO_TASK(NAME) is the descriptor ito__task_NAME, in src/task/task_NAME.c. */
ITO_TASK(denoiser)
ITO_TASK(classifier)
