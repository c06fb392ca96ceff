/* ito eval: numbers that say how good a model is.
 *   a classifier on data                 its accuracy
 *   a denoiser with --classifier CLF     how many samples the classifier reads as their label
 *   a denoiser of shapes on `shapes`     the same with the exact reader of shapes, which needs no training
 *   a denoiser with --metrics on data    its loss, bits per dimension, rate and distortion; its samples beside the data
 *   data with --samples and --metrics    samples from a file beside it */
#include <string.h>

#include "eval.h"

static int eval_denoiser(cli *app, const args *a, const char *path)
{
    const char *classifier = args_text(a, "classifier", NULL), *data = a->operands[1];
    bool is_shapes = data && !strcmp(data, "shapes");
    if (!classifier && !is_shapes)
        return cli_usage("eval",
                         "%s is a denoiser: score its samples with --classifier MODEL, or, when it was trained on "
                         "shapes, with the reader: ito eval %s shapes",
                         path, path);
    sampling s;
    int status = sampling_open(&s, app, a, path, 1000);
    if (status == CLI_DONE && !s.info->n_classes)
        status = cli_complain("%s was trained without labels: its samples cannot be read as their label", path);
    if (status == CLI_DONE) status = classifier ? eval_with_classifier(&s, classifier) : eval_with_reader(&s);
    sampling_close(&s);
    return status;
}

static int eval_classifier(cli *app, const args *a, ito_model *model)
{
    const char *path = a->operands[0];
    ito_plan *plan;
    if (!a->operands[1])
        return cli_usage("eval", "%s is a classifier: give the data to read, as in ito eval %s mnist/", path, path);
    int status = plan_open(app, a, &plan);
    if (status != CLI_DONE) return status;
    ito_model_use_plan(model, plan);
    status = precision_read(app, a, model, NULL);
    if (status == CLI_DONE) status = eval_accuracy(app, a, model, path);
    if (status == CLI_DONE) status = plan_check_used(app, plan, model);
    ito_model_use_plan(model, NULL);
    ito_plan_destroy(plan);
    return status;
}

static int run(cli *app, const args *a)
{
    const char *path = a->operands[0];
    ito_model *model;
    if (args_has(a, "samples")) return eval_file(app, a);
    ito_status st = ito_model_open(app->ctx, path, &model);
    if (st != ITO_OK) return cli_fail(app, st);
    bool is_classifier = !strcmp(ito_model_get_info(model)->task, "classifier"), has_metrics = args_has(a, "metrics");
    int status = is_classifier ? eval_classifier(app, a, model) : has_metrics ? eval_metrics(app, a, model) : CLI_DONE;
    ito_model_destroy(model);
    return is_classifier || has_metrics ? status : eval_denoiser(app, a, path);
}

static const arg_def options[] = {
    {"split", ARG_TEXT, "NAME", "part of the data, where it has several [test]"},
    {"data", ARG_LIST, "KEY=VALUE", "another option of the data set"},
    {"confusion", ARG_FLAG, NULL, "also which class is taken for which"},
    {"classifier", ARG_TEXT, "MODEL", "reads the samples of a denoiser"},
    {"metrics", ARG_TEXT, "M[,M..]", "of a denoiser and data: ito list metric"},
    {"metric", ARG_LIST, "NAME.KEY=VALUE", "an option of a metric: pr.k=5 (ito explain pr)"},
    {"resamples", ARG_INT, "B",
     "bootstrap resamples of each metric; 0: no intervals [200; 20 of more than 512 features]"},
    {"data-n", ARG_INT, "M", "how much of the data samples are compared with [as many, or all]"},
    {"samples", ARG_TEXT, "FILE.npz", "samples in place of a model: ito eval DATA --samples FILE.npz"},
    {"keep", ARG_TEXT, "FILE", "where samples are kept and gone on from [in MODEL/eval/]"},
    {"evals", ARG_INT, "K",
     "vlb: terms per image, drawn from all of the chain; 0: all of them [50; 0 for rate-distortion]"},
    {"variance", ARG_TEXT, "NAME", "vlb: of p(x_s | x_t), ito list variance [what the model learned, or fixed_small]"},
    {"probes", ARG_INT, "P", "nll: directions per image that estimate the divergence [1; exact for points]"},
    {"plot", ARG_TEXT, "FILE", "vlb: its terms and errors over t; rate-distortion: the curve; as .png or .svg"},
    {"strips", ARG_TEXT, "FILE.png", "rate-distortion: x_0 as it is predicted from fewer and fewer bits"},
    SAMPLING_OPTIONS("1000; metrics of samples 10000, others 100"),
    ARG_END,
};

extern const cli_command cli_cmd_eval;
const cli_command cli_cmd_eval = {
    .name = "eval",
    .summary = "accuracy of a classifier; loss and likelihood of a denoiser; share of samples read as their label",
    .operands = "MODEL [DATA] | DATA --samples FILE",
    .min_operands = 1,
    .max_operands = 2,
    .options = options,
    .examples = "ito eval out/mnist-classifier mnist/\n"
                "ito eval out/mnist --classifier out/mnist-classifier -n 1000 --guidance 2\n"
                "ito eval out/shapes shapes -n 200\n"
                "ito eval out/mnist mnist/ --metrics fd,kd,pr,accuracy --classifier out/mnist-classifier\n"
                "ito eval mnist/ --samples samples.npz --metrics fd,kd --classifier out/mnist-classifier\n"
                "ito eval out/mnist mnist/ --metrics loss,vlb,nll -n 64 --json\n"
                "ito eval out/mnist mnist/ --metrics rate-distortion --plot rd.svg --strips strips.png\n",
    .run = run,
};
