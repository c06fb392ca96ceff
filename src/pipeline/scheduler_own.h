/* The parts of scheduler_config.json that are ito's own, and lists of betas. Internal. */
#ifndef ITO_SCHEDULER_OWN_H
#define ITO_SCHEDULER_OWN_H

#include "pipeline/model_dir.h"

/* What stands for "_class_name" where diffusers has no scheduler for a process or a prediction. */
#define ITO__SCHEDULER_CLASS "ItoScheduler"

/* {"_class_name": "ItoScheduler", "process": {"name": ..., every option}, "prediction_type": ..., "prediction": {every option},
 * "variance_type": ..., "self_conditioning": ...} and back. */
ito_status ito__scheduler_own_write(ito_ctx *ctx, const ito__scheduler *scheduler, json_t **out);
ito_status ito__scheduler_own_read(ito_ctx *ctx, const char *where, const json_t *config, ito__scheduler *out);

/* "0.1,0.2" as a list of numbers, and a list's text (ito__free). */
ito_status ito__betas_to_json(ito_ctx *ctx, const char *text, json_t **out);
ito_status ito__betas_to_text(ito_ctx *ctx, const char *where, const char *field, const json_t *list, char **out);

#endif
