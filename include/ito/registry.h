/* Choices and axes. Every paper is a set of choices along a few independent axes (process, prediction, sampler, ...);
 * a choice is described by a descriptor whose first member is an ito_choice, so that programs list, explain and look up
 * the choices of any axis in one way. Built-in choices are constants of the library; a program adds its own to a
 * context with the axis's register function (ito_sampler_register(ctx, &def), ...).
 *
 * Nothing here owns a descriptor: one that is registered must outlive the context. */
#ifndef ITO_REGISTRY_H
#define ITO_REGISTRY_H

#include <ito/option.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ito_choice {
    const char *name;    /* as on the command line and in recipes: "ddim" */
    const char *summary; /* one line, no full stop */
    const char *formula; /* the defining equation in ASCII, symbols of docs/notation.md; NULL: none, as paper, eq */
    const char *paper;   /* key in docs/references.md */
    const char *eq;      /* the tag on the line that computes the formula: "ddim:12" */
    const char *file;    /* the source file, below the root of the source tree; NULL outside the library */
    const ito_opt_def *options; /* NULL: none */
} ito_choice;

typedef struct ito_axis {
    const char *name;     /* "sampler" */
    const char *question; /* what a choice answers: "how is the reverse process integrated?" */
    int n_builtin;
    const ito_choice *const *builtin;
    /* The choice's claims in words ("order 1, deterministic") into text; returns text. NULL: the axis makes none. */
    const char *(*claims)(const ito_choice *choice, char *text, size_t size);
} ito_axis;

/* The axes of the library in the order of docs/architecture.md; NULL past the end. */
const ito_axis *ito_axis_get(int index);
/* NULL when there is none of that name. */
const ito_axis *ito_axis_find(const char *name);

/* The axis's choices, the built-in ones first, then the context's own; NULL past the end. */
const ito_choice *ito_choice_get(ito_ctx *ctx, const ito_axis *axis, int index);

/* ITO_NOT_FOUND, with the nearest name suggested, when there is none of that name. */
ito_status ito_choice_find(ito_ctx *ctx, const ito_axis *axis, const char *name, const ito_choice **out);

/* Adds a choice to the context; ITO_USAGE when it has no name or the name is taken. Programs call the typed function
 * of the axis instead, which knows what the descriptor must contain. */
ito_status ito_choice_register(ito_ctx *ctx, const ito_axis *axis, const ito_choice *choice);

/* ITO_USAGE unless opts (NULL: defaults wanted) holds every option of the choice. With opts NULL, makes *owned, all
 * defaults, which the caller destroys; *use is what to read. */
ito_status ito_choice_opts(ito_ctx *ctx, const ito_choice *choice, const ito_opts *opts, ito_opts **owned,
                           const ito_opts **use);

/* The nearest of n names to a word that looks like a typing slip, or NULL when none is near: for "did you mean". */
const char *ito_name_nearest(const char *word, int n, const char *const *names);

#ifdef __cplusplus
}
#endif
#endif
