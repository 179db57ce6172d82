'use strict';
// One invocation: the handler's answer by promise, by callback, by context.done, or by an event loop that has run empty.
// What is said first counts; what comes later is not heard.

const { fault, faultDocument } = require('./errors.cjs');
const { isStreaming, streamed } = require('./streaming.cjs');

const NEVER_SETTLED =
  'The Lambda runtime client detected an unexpected Node.js exit code. This is most commonly caused by a Promise that was never settled. ' +
  'For more information, see https://nodejs.org/docs/latest/api/process.html#exit-codes';

function invoke(handler, event, control, state) {
  return new Promise((resolve) => new Invocation(handler, event, control, state, resolve).run());
}

class Invocation {
  constructor(handler, event, control, state, resolve) {
    this.handler = handler;
    this.event = event;
    this.control = control;
    this.state = state;
    this.resolve = resolve;
    this.said = false; // the handler has called back, returned or thrown
    this.ranEmpty = () => this.byDefault();
    this.onEmpty = () => setImmediate(() => this.ranEmpty());
  }

  run() {
    process.on('beforeExit', this.onEmpty);
    this.control.release();
    try {
      const input = JSON.parse(this.event.body.toString('utf8') || '{}');
      const context = this.context();
      const result = isStreaming(this.handler)
        ? streamed(this.handler, input, context, this.control)
        : this.handler(input, context, this.callback(context));
      if (result && typeof result.then === 'function') result.then(context.succeed, context.fail);
    } catch (error) {
      this.first(this.fail)(error);
    }
  }

  first(end) {
    return (...values) => {
      if (this.said) return;
      this.said = true;
      end.apply(this, values);
    };
  }

  callback(context) {
    return this.first((error, value) => {
      if (error !== undefined && error !== null) this.fail(error);
      else if (!context.callbackWaitsForEmptyEventLoop) this.succeed(value);
      else this.ranEmpty = () => this.succeed(value);
    });
  }

  // Nothing is left to wait for, and nothing was said.
  byDefault() {
    const { constructor } = this.handler;
    if (isStreaming(this.handler)) this.fail('Response stream is not finished.');
    else if (constructor && constructor.name === 'AsyncFunction') this.fail(fault('NodeJsExit', NEVER_SETTLED));
    else this.succeed(null);
  }

  succeed(value) {
    if (isStreaming(this.handler)) return this.settle('A'); // the node has it
    let text;
    try {
      text = JSON.stringify(value === undefined ? null : value);
    } catch {
      return this.fail(new Error('Unable to stringify response body'));
    }
    return this.settle('A', text === undefined ? 'null' : text);
  }

  fail(error) {
    this.state.logError('Invoke Error', error);
    this.settle('X', JSON.stringify(faultDocument(error)));
  }

  settle(kind, body) {
    this.said = true;
    process.removeListener('beforeExit', this.onEmpty);
    this.ranEmpty = () => {};
    this.control.hold();
    this.resolve({ kind, body });
  }

  context() {
    const { head } = this.event;
    const { env } = process;
    return {
      callbackWaitsForEmptyEventLoop: true,
      succeed: this.first(this.succeed),
      fail: this.first((error) => this.fail(error === undefined || error === null ? 'handled' : error)),
      done: this.first((error, value) => (error !== undefined && error !== null ? this.fail(error) : this.succeed(value))),
      functionVersion: env.AWS_LAMBDA_FUNCTION_VERSION,
      functionName: env.AWS_LAMBDA_FUNCTION_NAME,
      memoryLimitInMB: env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
      logGroupName: env.AWS_LAMBDA_LOG_GROUP_NAME,
      logStreamName: env.AWS_LAMBDA_LOG_STREAM_NAME,
      clientContext: head.client ? JSON.parse(head.client) : undefined,
      identity: head.cognito ? JSON.parse(head.cognito) : undefined,
      invokedFunctionArn: head.arn,
      awsRequestId: head.id,
      tenantId: head.tenant || undefined,
      getRemainingTimeInMillis: () => head.deadline_ms - Date.now(),
    };
  }
}

module.exports = { invoke };
