/* Ctrl-C. The first one asks whoever looks at cli_interrupted() to stop at a good place; the second one kills, because
 * the handler is gone after the first. A flag that a handler sets must be a global: this is the program's only one. */
#include <signal.h>

#include "cli.h"

static volatile sig_atomic_t asked_to_stop;

static void on_interrupt(int number)
{
    (void)number;
    asked_to_stop = 1;
}

void cli_interrupt_catch(void)
{
    struct sigaction action = {.sa_handler = on_interrupt, .sa_flags = (int)SA_RESETHAND | SA_RESTART};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

bool cli_interrupted(void)
{
    return asked_to_stop != 0;
}
