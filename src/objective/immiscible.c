/* Immiscible noise: the assignment of noises to images by shortest augmenting paths with potentials (the Hungarian method), n^3 steps for
 * a batch of n. |x - e|^2 = |x|^2 + |e|^2 - 2 <x, e>, so the costs are -<x, e>. */
#include "objective/extras.h"

#include <math.h>
#include <string.h>

/* Rows are images, columns noises; 0 stands for none, both count from 1. */
typedef struct assignment {
    int n;
    double *cost;       /* [n, n] */
    double *u, *v;      /* potentials of rows and columns */
    double *least;      /* of the columns outside the tree: the smallest reduced cost to it */
    int *row_of, *from; /* of columns: its row; the column before it on the path */
    bool *used;
} assignment;

static double reduced(const assignment *a, int row, int column)
{
    return a->cost[(ptrdiff_t)(row - 1) * a->n + column - 1] - a->u[row] - a->v[column];
}

/* Looks from the tree's newest column; returns the nearest column outside it and the distance. */
static int nearest(assignment *a, int column, double *distance)
{
    int best = 0;
    *distance = INFINITY;
    for (int j = 1; j <= a->n; j++) {
        if (a->used[j]) continue;
        double cost = reduced(a, a->row_of[column], j);
        if (cost < a->least[j]) {
            a->least[j] = cost;
            a->from[j] = column;
        }
        if (a->least[j] < *distance) {
            *distance = a->least[j];
            best = j;
        }
    }
    return best;
}

static void move_potentials(assignment *a, double distance)
{
    for (int j = 0; j <= a->n; j++)
        if (a->used[j]) {
            a->u[a->row_of[j]] += distance;
            a->v[j] -= distance;
        } else {
            a->least[j] -= distance;
        }
}

/* Gives the row a column, moving others along the shortest path to a free one. */
static void add_row(assignment *a, int row)
{
    int column = 0;
    a->row_of[0] = row;
    for (int j = 0; j <= a->n; j++) {
        a->least[j] = INFINITY;
        a->used[j] = false;
    }
    do {
        double distance;
        a->used[column] = true;
        int next = nearest(a, column, &distance);
        move_potentials(a, distance);
        column = next;
    } while (a->row_of[column]);
    for (int before; column; column = before) {
        before = a->from[column];
        a->row_of[column] = a->row_of[before];
    }
}

static void fill_costs(assignment *a, int64_t size, const float *images, const float *eps)
{
    for (int i = 0; i < a->n; i++)
        for (int j = 0; j < a->n; j++) {
            const float *x = images + i * size, *e = eps + j * size;
            double dot = 0;
            for (int64_t k = 0; k < size; k++) dot += (double)x[k] * (double)e[k];
            a->cost[(ptrdiff_t)i * a->n + j] = -dot;
        }
}

ito_status ito__immiscible_noise(ito_ctx *ctx, const ito_noise_batch *batch, const float *images)
{
    size_t n = (size_t)batch->n, all = n * (size_t)batch->size;
    assignment a = {.n = batch->n,
                    .cost = ito__alloc_array(ctx, n * n, sizeof *a.cost),
                    .u = ito__alloc_array(ctx, n + 1, sizeof *a.u),
                    .v = ito__alloc_array(ctx, n + 1, sizeof *a.v),
                    .least = ito__alloc_array(ctx, n + 1, sizeof *a.least),
                    .row_of = ito__alloc_array(ctx, n + 1, sizeof *a.row_of),
                    .from = ito__alloc_array(ctx, n + 1, sizeof *a.from),
                    .used = ito__alloc_array(ctx, n + 1, sizeof *a.used)};
    float *copy = ito__alloc_array(ctx, all, sizeof *copy);
    ito_status st = ITO_MEMORY;
    if (!a.cost || !a.u || !a.v || !a.least || !a.row_of || !a.from || !a.used || !copy) goto done;
    fill_costs(&a, batch->size, images, batch->eps);
    /* EQ[immiscible:3]  the assignment with the least sum of squared distances between images and their noises */
    for (int row = 1; row <= a.n; row++) add_row(&a, row);
    memcpy(copy, batch->eps, all * sizeof *copy);
    for (int j = 1; j <= a.n; j++)
        memcpy(batch->eps + (a.row_of[j] - 1) * batch->size, copy + (j - 1) * batch->size,
               (size_t)batch->size * sizeof *copy);
    st = ITO_OK;
done:;
    void *arrays[] = {a.cost, a.u, a.v, a.least, a.row_of, a.from, a.used, copy};
    for (int i = 0; i < ITO_COUNT(arrays); i++) ito__free(ctx, arrays[i]);
    return st;
}
