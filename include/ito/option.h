/* Typed options. A descriptor lists the options it takes; from the list come the defaults, the checks, the help text
 * and the `--set key=value` of the program. */
#ifndef ITO_OPTION_H
#define ITO_OPTION_H

#include <stdbool.h>
#include <stdint.h>

#include <ito/context.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum ito_opt_type {
    ITO_OPT_END_TYPE,
    ITO_OPT_INT_TYPE,
    ITO_OPT_REAL_TYPE,
    ITO_OPT_BOOL_TYPE,
    ITO_OPT_CHOICE_TYPE,
    ITO_OPT_TEXT_TYPE
} ito_opt_type;

typedef struct ito_opt_def {
    const char *name;
    ito_opt_type type;
    double value, min, max;   /* default and range of numbers; a choice's default is an index, a bool's 0 or 1 */
    const char *const *names; /* of a choice, ended by NULL */
    const char *text;         /* default of a text option */
    const char *help;
} ito_opt_def;

#define ITO_OPT_INT(name, value, min, max, help)                                                                       \
    {                                                                                                                  \
        name, ITO_OPT_INT_TYPE, value, min, max, NULL, NULL, help                                                      \
    }
#define ITO_OPT_REAL(name, value, min, max, help)                                                                      \
    {                                                                                                                  \
        name, ITO_OPT_REAL_TYPE, value, min, max, NULL, NULL, help                                                     \
    }
#define ITO_OPT_BOOL(name, value, help)                                                                                \
    {                                                                                                                  \
        name, ITO_OPT_BOOL_TYPE, value, 0, 1, NULL, NULL, help                                                         \
    }
#define ITO_OPT_CHOICE(name, value, names, help)                                                                       \
    {                                                                                                                  \
        name, ITO_OPT_CHOICE_TYPE, value, 0, 0, names, NULL, help                                                      \
    }
#define ITO_OPT_TEXT(name, text, help)                                                                                 \
    {                                                                                                                  \
        name, ITO_OPT_TEXT_TYPE, 0, 0, 0, NULL, text, help                                                             \
    }
#define ITO_OPT_END                                                                                                    \
    {                                                                                                                  \
        NULL, ITO_OPT_END_TYPE, 0, 0, 0, NULL, NULL, NULL                                                              \
    }

/* The values of one descriptor's options. */
typedef struct ito_opts ito_opts;

/* All defaults; defs may be NULL (no options). defs must outlive the values; the caller destroys *out. */
ito_status ito_opts_create(ito_ctx *ctx, const ito_opt_def *defs, ito_opts **out);
void ito_opts_destroy(ito_opts *opts);

/* Checks type and range; an unknown name is ITO_USAGE and the nearest one is suggested. `what` names the owner. */
ito_status ito_opts_set(ito_opts *opts, const char *what, const char *name, const char *value);
ito_status ito_opts_set_number(ito_opts *opts, const char *what, const char *name, double value);
bool ito_opts_has(const ito_opts *opts, const char *name); /* is there an option of that name? */

/* Asking for a name the descriptor lacks is a broken invariant. */
double ito_opts_real(const ito_opts *opts, const char *name);
int64_t ito_opts_int(const ito_opts *opts, const char *name);
bool ito_opts_bool(const ito_opts *opts, const char *name);
int ito_opts_choice(const ito_opts *opts, const char *name);
const char *ito_opts_text(const ito_opts *opts, const char *name); /* of a text or a choice */

#ifdef __cplusplus
}
#endif
#endif
