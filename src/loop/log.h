/* log.jsonl: one JSON object per line, appended as training goes. */
#ifndef ITO_TRAIN_LOG_H
#define ITO_TRAIN_LOG_H

#include <ito/train.h>

#include "base/base.h"

typedef struct ito__train_log ito__train_log;

/* Keeps the lines of steps up to first_step (a run that was stopped after its last checkpoint makes the later ones again);
 * 0 begins a new file. */
ito_status ito__train_log_open(ito_ctx *ctx, const char *path, int64_t first_step, ito__train_log **out);
ito_status ito__train_log_write(ito__train_log *log, const ito_train_progress *progress);
void ito__train_log_close(ito__train_log *log); /* NULL is fine */

#endif
