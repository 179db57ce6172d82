'use strict';
// The Node.js runtime of an instance: one INIT frame, then events until the node is gone.  Node.js 16 and newer, no dependencies.
// What the function sees (context, error documents, log lines, global awslambda) is as AWS's own runtime gives it.
// AWS: https://docs.aws.amazon.com/lambda/latest/dg/lambda-nodejs.html

const { FrameSocket } = require('./frames.cjs');
const { captureConsole, logRecord } = require('./logging.cjs');
const { loadHandler } = require('./loading.cjs');
const { faultDocument, errorDocument } = require('./errors.cjs');
const { invoke, defineStreaming } = require('./invocation.cjs');

const control = new FrameSocket(Number(process.env.TULE_CONTROL_FD || 3));
const state = { requestId: '', busy: false };

function usage() {
  return { rss_kb: process.resourceUsage().maxRSS };
}

function enter(head) {
  for (const name of Object.keys(process.env)) delete process.env[name];
  Object.assign(process.env, head.environment);
  process.argv.length = 1;
  process.argv.push('/var/runtime/index.mjs');
  process.chdir(head.environment.LAMBDA_TASK_ROOT);
  require('module').Module._initPaths(); // NODE_PATH is read at start, which was before the function was known
}

function fail(error) {
  const document = faultDocument(error);
  logRecord(state, 'ERROR', `Uncaught Exception \t${JSON.stringify(errorDocument(error))}`);
  control.send('F', usage(), JSON.stringify(document), () => process.exit(1));
}

function crash(title, error, status) {
  logRecord(state, 'ERROR', `${title} \t${JSON.stringify(errorDocument(error))}`);
  if (!state.busy) return process.exit(status);
  control.send('X', { ...usage(), exit: status }, JSON.stringify(faultDocument(error)), () => process.exit(status));
}

process.on('uncaughtException', (error) => crash('Uncaught Exception', error, 129));
process.on('unhandledRejection', (reason) => {
  const error = new Error(reason instanceof Error ? reason.toString() : String(reason));
  error.name = 'Runtime.UnhandledPromiseRejection';
  error.reason = reason;
  error.stack = reason instanceof Error && reason.stack ? `${error.name}: ${error.message}\n${reason.stack}` : error.stack;
  crash('Unhandled Promise Rejection', error, 128);
});

async function serve() {
  const first = await control.receive();
  if (first === null || first.kind !== 'I') return process.exit(0);
  enter(first.head);
  captureConsole(state);
  defineStreaming();
  let handler;
  try {
    handler = await loadHandler(process.env.LAMBDA_TASK_ROOT, process.env._HANDLER);
  } catch (error) {
    return fail(error);
  }
  control.send('R', usage());
  for (;;) {
    const event = await control.receive();
    if (event === null) return process.exit(0);
    state.requestId = event.head.id;
    state.busy = true;
    Object.assign(process.env, event.head.environment || {});
    if (event.head.trace) process.env._X_AMZN_TRACE_ID = event.head.trace;
    const { kind, body } = await invoke(handler, event, control, state);
    state.busy = false;
    control.send(kind, usage(), body);
  }
}

serve();
