/* DPM-Solver, DPM-Solver++ and UniPC: their steps written out on a Gaussian from the papers' algorithms. */

#include "exact/solvers.h"

static ito_process *vp;
/* Ten steps: few, so that the last are of lower order; twenty with half the stride: not. */
#define FEW  10
#define MANY 20
static double few[FEW + 1], many[MANY + 1];
#define START (-0.6)
#define LAST  0.1

static int setup(void **state)
{
    (void)state;
    processes_open(1);
    assert_ok(ctx, ito_process_create(ctx, "vp-sde", NULL, &vp));
    for (int k = 0; k <= MANY; k++) many[k] = 0.9 - 0.8 * pow((double)k / MANY, 0.8);
    for (int k = 0; k <= FEW; k++) few[k] = many[2 * k];
    many[MANY] = few[FEW] = LAST;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    ito_process_destroy(vp);
    processes_close();
    return 0;
}

static ito_level at_lambda(double lambda)
{
    return ito_process_level(vp, ito_process_time(vp, 2 * lambda));
}

/* ---- singlestep ---- */

/* EQ[dpmsolver:3.4] EQ[dpmsolver:3.7] EQ[dpmsolver:a1] EQ[dpmsolver:a2] with the papers' numbers */
static double dpm_single(int order, bool is_heun, const ito_level *t, const ito_level *s, double x)
{
    double h = lambda_of(s) - lambda_of(t), e = eps_at(t, x), r1 = order == 2 ? 1 / 2.0 : 1 / 3.0, r2 = 2 / 3.0;
    if (order == 1) return s->signal / t->signal * x - s->sigma * (exp(h) - 1) * e;
    ito_level s1 = at_lambda(lambda_of(t) + r1 * h), s2 = at_lambda(lambda_of(t) + r2 * h);
    double base = s->signal / t->signal * x - s->sigma * (exp(h) - 1) * e;
    double u1 = s1.signal / t->signal * x - s1.sigma * (exp(r1 * h) - 1) * e, d1 = eps_at(&s1, u1) - e;
    if (order == 2) return base - s->sigma * (is_heun ? ((exp(h) - 1) / h - 1) / r1 : (exp(h) - 1) / (2 * r1)) * d1;
    double u2 = s2.signal / t->signal * x - s2.sigma * (exp(r2 * h) - 1) * e -
                s2.sigma * r2 / r1 * ((exp(r2 * h) - 1) / (r2 * h) - 1) * d1;
    double d2 = eps_at(&s2, u2) - e;
    if (!is_heun) return base - s->sigma / r2 * ((exp(h) - 1) / h - 1) * d2;
    double first = (r2 * d1 / r1 - r1 * d2 / r2) / (r2 - r1), second = 2 * (d2 / r2 - d1 / r1) / (r2 - r1);
    return base - s->sigma * ((exp(h) - 1) / h - 1) * first - s->sigma * ((exp(h) - 1 - h) / (h * h) - 0.5) * second;
}

/* EQ[dpmpp:8] EQ[dpmpp:s4] EQ[dpmpp:a1] EQ[dpmpp:code] */
static double dpmpp_single(int order, bool is_heun, const ito_level *t, const ito_level *s, double x)
{
    double h = lambda_of(s) - lambda_of(t), m = x0_at(t, x), r1 = order == 2 ? 1 / 2.0 : 1 / 3.0, r2 = 2 / 3.0;
    double base = s->sigma / t->sigma * x - s->signal * (exp(-h) - 1) * m;
    if (order == 1) return base;
    ito_level s1 = at_lambda(lambda_of(t) + r1 * h), s2 = at_lambda(lambda_of(t) + r2 * h);
    double u1 = s1.sigma / t->sigma * x - s1.signal * (exp(-r1 * h) - 1) * m, d1 = x0_at(&s1, u1) - m;
    if (order == 2) return base - s->signal * (is_heun ? -((exp(-h) - 1) / h + 1) / r1 : (exp(-h) - 1) / (2 * r1)) * d1;
    double u2 = s2.sigma / t->sigma * x - s2.signal * (exp(-r2 * h) - 1) * m +
                s2.signal * r2 / r1 * ((exp(-r2 * h) - 1) / (r2 * h) + 1) * d1;
    double d2 = x0_at(&s2, u2) - m;
    if (!is_heun) return base + s->signal / r2 * ((exp(-h) - 1) / h + 1) * d2;
    double first = (r2 * d1 / r1 - r1 * d2 / r2) / (r2 - r1), second = 2 * (d2 / r2 - d1 / r1) / (r2 - r1);
    return base + s->signal * ((exp(-h) - 1) / h + 1) * first -
           s->signal * ((exp(-h) - 1 + h) / (h * h) - 0.5) * second;
}

static void test_singlestep(void **state)
{
    (void)state;
    static const char *const names[2][3] = {{"dpm-1", "dpm-2", "dpm-3"}, {"dpmpp-1", "dpmpp-2s", "dpmpp-3s"}};
    for (int pp = 0; pp < 2; pp++)
        for (int order = 1; order <= 3; order++)
            for (int is_heun = 0; is_heun < (order > 1 ? 2 : 1); is_heun++) {
                double x = START;
                for (int k = 0; k < FEW; k++) {
                    ito_level t = ito_process_level(vp, few[k]), s = ito_process_level(vp, few[k + 1]);
                    x = pp ? dpmpp_single(order, is_heun, &t, &s, x) : dpm_single(order, is_heun, &t, &s, x);
                }
                const char *settings = is_heun ? "solver_type=heun" : NULL;
                assert_solves(vp, names[pp][order - 1], settings, FEW, few, LAST, START, x);
            }
}

/* ---- multistep ---- */

typedef struct multi {
    bool pp, is_heun, is_code;
    int order;
} multi;

/* EQ[dpmpp:a2] EQ[dpmpp:code]: the update from times[k], m[] the estimates so far. */
static double multistep(const multi *c, int order, int k, const double *times, const double *m, double x)
{
    ito_level t = ito_process_level(vp, times[k]), s = ito_process_level(vp, times[k + 1]);
    double h = lambda_of(&s) - lambda_of(&t), phi1 = c->pp ? 1 - exp(-h) : 1 - exp(h);
    double scale = c->pp ? s.signal : s.sigma, base = (c->pp ? s.sigma / t.sigma : s.signal / t.signal) * x;
    /* h m' and h^2 m'' of the last estimates, and what they count: int exp(lambda) (l - l_t)^j / j! */
    double weight1 = c->pp ? (exp(-h) - 1) / h + 1 : -((exp(h) - 1) / h - 1);
    double weight2 = c->pp ? -((exp(-h) - 1 + h) / (h * h) - 0.5) : -((exp(h) - 1 - h) / (h * h) - 0.5);
    base += scale * phi1 * m[k];
    if (order == 1) return base;
    ito_level before = ito_process_level(vp, times[k - 1]);
    double h0 = lambda_of(&t) - lambda_of(&before), d0 = (m[k] - m[k - 1]) * h / h0;
    if (order == 2) return base + scale * (c->is_heun ? weight1 : 0.5 * phi1) * d0;
    ito_level first = ito_process_level(vp, times[k - 2]);
    double h1 = lambda_of(&before) - lambda_of(&first), d1 = (m[k - 1] - m[k - 2]) * h / h1;
    double d = d0 + h0 / (h0 + h1) * (d0 - d1), e = h / (h0 + h1) * (d0 - d1);
    return base + scale * (weight1 * d + (c->is_code ? 1 : 2) * weight2 * e);
}

static double multistep_run(const multi *c, int n, const double *times, double x)
{
    double m[MANY];
    for (int k = 0; k < n; k++) {
        ito_level t = ito_process_level(vp, times[k]);
        int order = ITO_MIN(c->order, k + 1);
        if (n < 15) order = ITO_MIN(order, n - k);
        m[k] = c->pp ? x0_at(&t, x) : eps_at(&t, x);
        x = multistep(c, order, k, times, m, x);
    }
    return x;
}

static void test_multistep(void **state)
{
    (void)state;
    static const struct {
        const char *name, *settings;
        multi c;
    } cases[] = {
        {"dpm-2m", NULL, {false, false, false, 2}},  {"dpm-2m", "solver_type=heun", {false, true, false, 2}},
        {"dpm-3m", NULL, {false, false, false, 3}},  {"dpm-3m", "form=code solver_type=heun", {false, true, true, 3}},
        {"dpmpp-2m", NULL, {true, false, false, 2}}, {"dpmpp-2m", "solver_type=heun", {true, true, false, 2}},
        {"dpmpp-3m", NULL, {true, false, false, 3}}, {"dpmpp-3m", "form=code", {true, false, true, 3}},
    };
    for (int i = 0; i < ITO_COUNT(cases); i++) {
        assert_solves(vp, cases[i].name, cases[i].settings, FEW, few, LAST, START,
                      multistep_run(&cases[i].c, FEW, few, START));
        assert_solves(vp, cases[i].name, cases[i].settings, MANY, many, LAST, START,
                      multistep_run(&cases[i].c, MANY, many, START));
    }
}

/* ---- UniPC ---- */

typedef struct uni {
    bool pp, bh1, corrects, falls;
    int order;
} uni;

/* Solves a (n x n) r = b by elimination with pivots; a and b are spoilt. */
static void solve_linear(int n, double a[3][3], double *b, double *r)
{
    for (int k = 0; k < n; k++) {
        int pivot = k;
        for (int i = k + 1; i < n; i++)
            if (fabs(a[i][k]) > fabs(a[pivot][k])) pivot = i;
        for (int j = 0; j < n; j++) {
            double kept = a[k][j];
            a[k][j] = a[pivot][j];
            a[pivot][j] = kept;
        }
        double kept = b[k];
        b[k] = b[pivot];
        b[pivot] = kept;
        for (int i = k + 1; i < n; i++) {
            double f = a[i][k] / a[k][k];
            for (int j = k; j < n; j++) a[i][j] -= f * a[k][j];
            b[i] -= f * b[k];
        }
    }
    for (int k = n - 1; k >= 0; k--) {
        r[k] = b[k];
        for (int j = k + 1; j < n; j++) r[k] -= a[k][j] * r[j];
        r[k] /= a[k][k];
    }
}

/* EQ[unipc:a1] EQ[unipc:a2] EQ[unipc:code] from times[k] to times[k + 1] as the authors' program has it: R_p(h) rho = b / B(h);
 * `corrects`: UniC, with m[k + 1]. */
static double uni_update(const uni *c, bool corrects, int order, int k, const double *times, const double *m, double x)
{
    ito_level t = ito_process_level(vp, times[k]), s = ito_process_level(vp, times[k + 1]);
    double h = lambda_of(&s) - lambda_of(&t), hh = c->pp ? -h : h, b_h = c->bh1 ? hh : expm1(hh);
    double rk[3], d[3], rho[3] = {0.5}, a[3][3], b[3], phi = expm1(hh) / hh - 1, factorial = 1;
    int n = 0;
    for (int i = 1; i < order; i++, n++) {
        ito_level at = ito_process_level(vp, times[k - i]);
        rk[n] = (lambda_of(&at) - lambda_of(&t)) / h;
        d[n] = (m[k - i] - m[k]) / rk[n];
    }
    if (corrects) {
        rk[n] = 1;
        d[n++] = m[k + 1] - m[k];
    }
    for (int i = 0; i < n; i++) {
        for (int j = 0; j < n; j++) a[i][j] = pow(rk[j], i);
        b[i] = phi * factorial / b_h;
        factorial *= i + 2;
        phi = phi / hh - 1 / factorial;
    }
    if (n > 1) solve_linear(n, a, b, rho);
    double scale = c->pp ? s.signal : s.sigma, sum = 0;
    for (int i = 0; i < n; i++) sum += rho[i] * d[i];
    return (c->pp ? s.sigma / t.sigma : s.signal / t.signal) * x - scale * expm1(hh) * m[k] - scale * b_h * sum;
}

static double uni_run(const uni *c, int n, const double *times, double x)
{
    double m[MANY + 1], corrected = x;
    int order = 0;
    for (int k = 0; k < n; k++) {
        ito_level t = ito_process_level(vp, times[k]);
        m[k] = c->pp ? x0_at(&t, x) : eps_at(&t, x);
        if (k && c->corrects)
            corrected = uni_update(c, true, order, k - 1, times, m, corrected);
        else
            corrected = x;
        order = ITO_MIN(c->order, k + 1);
        if (c->falls) order = ITO_MIN(order, n - k);
        x = uni_update(c, false, order, k, times, m, corrected);
    }
    return x;
}

static void test_unipc(void **state)
{
    (void)state;
    for (int i = 0; i < 48; i++) {
        const uni c = {i & 1, i >> 1 & 1, i >> 2 & 1, i >> 3 & 1, 1 + i / 16};
        char settings[128];
        snprintf(settings, sizeof settings, "order=%d predict_x0=%d solver_type=%s corrector=%d lower_order_final=%d",
                 c.order, c.pp, c.bh1 ? "bh1" : "bh2", c.corrects, c.falls);
        assert_solves(vp, "unipc", settings, FEW, few, LAST, START, uni_run(&c, FEW, few, START));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_singlestep),
        cmocka_unit_test(test_multistep),
        cmocka_unit_test(test_unipc),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
