/* Objectives: what training minimises, as graph fragments over a noised batch. */
#ifndef ITO_OBJECTIVE_H
#define ITO_OBJECTIVE_H

#include <ito/loss.h>

#include "objective/denoise.h"

typedef struct ito_objective_parts {
    ito_graph *g;
    const ito_denoise *noised;
    ito_value *output; /* the network's [N, H, W, C], for noised->x_in */
    ito_value *extra;  /* its further C channels, of the learned variance; NULL: it has none */
    const ito_loss_def *loss;
    const ito_opts *loss_opts, *opts; /* NULL where a choice has none */
    int n_timesteps;                  /* T; 0: continuous */
} ito_objective_parts;

typedef struct ito_objective_def {
    ito_choice choice;
    bool needs_chain;    /* only for discrete processes */
    bool needs_variance; /* only with a learned variance */
    bool needs_probe;    /* noised->probe, and the columns of the score */
    /* Loss per sample [N], the columns' weights and factors included; its mean is minimised. */
    ito_value *(*build)(const ito_objective_parts *parts);
} ito_objective_def;

ito_status ito__objective_find(ito_ctx *ctx, const char *name, const ito_objective_def **out);

/* mean l(output - target) over a sample's elements [N], without weights. */
ito_value *ito__output_error(const ito_objective_parts *parts);
/* The bound's term of each sample in bits/dim [N], without weights; mean_learns: the mean gets gradients too. */
ito_value *ito__bound_terms(const ito_objective_parts *parts, bool mean_learns);

#endif
