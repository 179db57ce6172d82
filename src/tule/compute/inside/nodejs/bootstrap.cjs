'use strict';
// The Node.js runtime of an instance: one INIT frame, then events until the node is gone.  Node.js 16 and newer, no dependencies.
// What the function sees (context, error documents, log lines, global awslambda) is as AWS's own runtime gives it.
// AWS: https://docs.aws.amazon.com/lambda/latest/dg/lambda-nodejs.html

const { FrameSocket } = require('./frames.cjs');
const { captureConsole } = require('./logging.cjs');
const { loadHandler } = require('./loading.cjs');
const { fault, faultDocument } = require('./errors.cjs');
const { invoke } = require('./invocation.cjs');
const { applyOptions } = require('./options.cjs');
const { defineStreaming, isStreaming } = require('./streaming.cjs');

const EXIT_UNCAUGHT = 129;
const EXIT_UNHANDLED = 128;
const CALLBACKS_WILL_END =
  'AWS Lambda plans to remove support for callback-based function handlers starting with Node.js 24. You will need to update this function ' +
  'to use an async handler to use Node.js 24 or later. For more information and to provide feedback on this change, see ' +
  'https://github.com/aws/aws-lambda-nodejs-runtime-interface-client/issues/137. To disable this warning, set the ' +
  'AWS_LAMBDA_NODEJS_DISABLE_CALLBACK_WARNING environment variable.';
const CALLBACKS_ENDED =
  'AWS Lambda has removed support for callback-based function handlers starting with Node.js 24. You need to modify this function to use a ' +
  'supported handler signature to use Node.js 24 or later. For more information see ' +
  'https://github.com/aws/aws-lambda-nodejs-runtime-interface-client/issues/137.';

const control = new FrameSocket(Number(process.env.TULE_CONTROL_FD || 3));
const state = { requestId: undefined, phase: 'init', logError: () => {} };

function usage() {
  return { rss_kb: process.resourceUsage().maxRSS };
}

// A wrapper script was given the variables before, and may have changed them.
function enter(head) {
  if (process.env.TULE_WRAPPED) {
    for (const name of ['TULE_WRAPPED', 'TULE_CONTROL_FD']) delete process.env[name];
  } else {
    for (const name of Object.keys(process.env)) delete process.env[name];
    Object.assign(process.env, head.environment);
  }
  process.argv.length = 1;
  process.argv.push('/var/runtime/index.mjs');
  process.chdir(process.env.LAMBDA_TASK_ROOT);
  require('module').Module._initPaths(); // NODE_PATH is read at start, which was before the function was known
}

// Whoever waits for this process is told why it ends; between invocations nobody does.
function crash(title, error, status) {
  state.logError(title, error);
  const { phase } = state;
  state.phase = 'ending';
  if (phase === 'idle' || phase === 'ending') return process.exit(status);
  return control.send(phase === 'init' ? 'F' : 'C', usage(), JSON.stringify(faultDocument(error)), () => process.exit(status));
}

process.on('uncaughtException', (error) => crash('Uncaught Exception', error, EXIT_UNCAUGHT));
process.on('unhandledRejection', (reason, promise) => {
  crash('Unhandled Promise Rejection', Object.assign(fault('UnhandledPromiseRejection', reason), { reason, promise }), EXIT_UNHANDLED);
});

async function load() {
  await applyOptions(process.env.LAMBDA_TASK_ROOT);
  const handler = await loadHandler(process.env.LAMBDA_TASK_ROOT, process.env._HANDLER);
  if (handler.length === 3 && handler.constructor.name !== 'AsyncFunction' && !isStreaming(handler)) judgeCallbacks();
  return handler;
}

// AWS: Lambda runtimes for Node.js 22 warn of handlers that take a callback, those from 24 on refuse them.
function judgeCallbacks() {
  const version = Number((/nodejs(\d+)/.exec(process.env.AWS_EXECUTION_ENV) || [0, 0])[1]);
  if (version >= 24) throw fault('CallbackHandlerDeprecated', CALLBACKS_ENDED);
  if (version === 22 && process.env.AWS_LAMBDA_NODEJS_DISABLE_CALLBACK_WARNING === undefined) console.warn(CALLBACKS_WILL_END);
}

function setVariables(head) {
  Object.assign(process.env, head.environment || {});
  if (head.trace) process.env._X_AMZN_TRACE_ID = head.trace;
  else delete process.env._X_AMZN_TRACE_ID;
}

async function serve() {
  const first = await control.receive();
  if (first === null || first.kind !== 'I') return process.exit(0);
  enter(first.head);
  captureConsole(state);
  defineStreaming();
  let handler;
  try {
    handler = await load();
  } catch (error) {
    return crash('Uncaught Exception', error, EXIT_UNCAUGHT);
  }
  state.phase = 'idle';
  control.send('R', usage());
  for (;;) {
    const event = await control.receive();
    if (event === null) return process.exit(0);
    state.requestId = event.head.id;
    state.phase = 'busy';
    setVariables(event.head);
    const { kind, body } = await invoke(handler, event, control, state);
    if (state.phase === 'ending') return undefined;
    state.phase = 'idle';
    control.send(kind, usage(), body);
  }
}

serve();
