/* What a folder of choices is made of: its list of built-in choices becomes a table, the table an axis. One file in each
 * such folder says
 *
 *     #define ITO_CHOICE_LIST "spacing/spacing_list.h"
 *     #include "base/axis.h"
 *     ITO_AXIS_DEFINE(spacing, .question = "which timesteps does a sampler visit?");
 *
 * and has `ito__axis_spacing`. A line of the list, ITO_CHOICE(spacing, leading), stands for the descriptor
 * `const ito_spacing_def ito__spacing_leading` of that choice's own file. */
#ifndef ITO_BASE_AXIS_H
#define ITO_BASE_AXIS_H

#include <string.h>

#include <ito/registry.h>

#include "base/base.h"

#define ITO_CHOICE(kind, name) extern const ito_##kind##_def ito__##kind##_##name;
#include ITO_CHOICE_LIST
#undef ITO_CHOICE

static const ito_choice *const builtin[] = {
#define ITO_CHOICE(kind, name) &ito__##kind##_##name.choice,
#include ITO_CHOICE_LIST
#undef ITO_CHOICE
};

/* The axis of that name; what follows are its other members. */
#define ITO_AXIS_DEFINE(axis, ...)                                                                                     \
    extern const ito_axis ito__axis_##axis;                                                                            \
    const ito_axis ito__axis_##axis = {.name = #axis, .n_builtin = ITO_COUNT(builtin), .builtin = builtin, __VA_ARGS__}

/* For the typed find function of an axis: out is the address of its pointer to a descriptor. A descriptor's first member
 * is its choice, and all pointers to structs look alike. */
static inline ito_status ito__def_find(ito_ctx *ctx, const ito_axis *axis, const char *name, void *out)
{
    const ito_choice *choice;
    ito_status st = ito_choice_find(ctx, axis, name, &choice);
    memcpy(out, &choice, sizeof choice);
    return st;
}

#endif
