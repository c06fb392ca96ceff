/* The inside of ito_vlb, shared by vlb.c (making one, adding up) and vlb_batch.c (the terms of a batch). */
#ifndef ITO_VLB_IMPL_H
#define ITO_VLB_IMPL_H

#include "likelihood/chain.h"

/* What one evaluation says of one image. */
typedef struct ito__vlb_entry {
    int link;
    double weight; /* how many links of the chain it stands for */
    double bits, x0_mse;
} ito__vlb_entry;

/* Of one link, over images. */
typedef struct ito__vlb_sums {
    int64_t n;
    double bits, weighted, x0_mse;
} ito__vlb_sums;

struct ito_vlb {
    ito_ctx *ctx;
    const ito_denoiser *denoiser;
    ito_vlb_options options;
    ito_shape shape; /* of one sample */
    int64_t size;
    ito__chain chain;
    int n_evals; /* per image: the decoder and n_evals - 1 strata of the other links */
    int64_t dims;
    int64_t *scored; /* [dims]: which elements of a sample count */

    int64_t n_images;
    double prior, mean, squares; /* sum of L_T; mean of the totals and the sum of their squared deviations from it */
    ito__vlb_sums *sums;         /* [chain.n] */
    ito_vlb_term *terms;         /* [chain.n] */
};

/* A batch on its way. */
typedef struct ito__vlb_batch {
    ito_vlb *vlb;
    const ito_tensor *x;
    const ito_condition *condition;
    const uint64_t *samples;
    int64_t n;
    int *link;                /* [n]: where in the chain each row is */
    double *times, *weight;   /* [n] */
    float *x_t, *out, *extra; /* [n, size]; extra NULL when nothing is learned */
    ito__vlb_entry *entries;  /* [n, n_evals] */
    double *prior;            /* [n] */
} ito__vlb_batch;

/* Checks the batch and allocates its arrays. The caller frees it, also after an error. */
ito_status ito__vlb_batch_open(ito__vlb_batch *b);
void ito__vlb_batch_close(ito__vlb_batch *b);

/* Noises every row to its link's t and asks the denoiser. */
ito_status ito__vlb_batch_predict(ito__vlb_batch *b);
/* The prediction of element j of row i. */
double ito__vlb_batch_x0(const ito__vlb_batch *b, int64_t i, int64_t j);

/* All entries and priors of the batch. */
ito_status ito__vlb_batch_score(ito__vlb_batch *b);

#endif
