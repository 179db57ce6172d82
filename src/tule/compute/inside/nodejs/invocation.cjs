'use strict';
// One invocation: the handler's answer by promise, by callback, by context.done, or by an event loop that has run empty.

const { Writable } = require('stream');
const { faultDocument, errorDocument, RuntimeFault } = require('./errors.cjs');
const { logRecord } = require('./logging.cjs');

const STREAMING = Symbol.for('aws.lambda.runtime.handler.streaming');

function invoke(handler, event, control, state) {
  return new Promise((resolve) => {
    let finished = false;
    const settle = (answer) => {
      if (finished) return;
      finished = true;
      process.removeListener('beforeExit', ranEmpty);
      control.hold();
      resolve(answer);
    };
    const succeed = (value) => settle(answerOf(value));
    const fail = (error) => {
      if (finished) return;
      logRecord(state, 'ERROR', `Invoke Error \t${JSON.stringify(errorDocument(error))}`);
      settle({ kind: 'X', body: JSON.stringify(faultDocument(error)) });
    };
    let pending = null; // what a callback said, kept back until the event loop is empty
    const ranEmpty = () => (pending === null ? succeed(null) : pending());
    const context = contextOf(event.head, (error, value) => {
      pending = pending || (error !== undefined && error !== null ? () => fail(error) : () => succeed(value));
      if (!context.callbackWaitsForEmptyEventLoop) pending();
    }, succeed, fail);
    process.on('beforeExit', ranEmpty);
    control.release();
    run(handler, event, context, succeed, fail);
  });
}

function run(handler, event, context, succeed, fail) {
  let input;
  try {
    input = JSON.parse(event.body.toString('utf8') || '{}');
  } catch (error) {
    return fail(error);
  }
  try {
    if (handler[STREAMING]) return runStreaming(handler, input, context, succeed, fail);
    const result = handler(input, context, context.__callback);
    if (result && typeof result.then === 'function') result.then(succeed, fail);
  } catch (error) {
    fail(error);
  }
}

function answerOf(value) {
  if (value instanceof StreamedAnswer) return { kind: 'A', body: value.bytes };
  try {
    const text = JSON.stringify(value === undefined ? null : value);
    return { kind: 'A', body: text === undefined ? 'null' : text };
  } catch (error) {
    return { kind: 'X', body: JSON.stringify(faultDocument(new RuntimeFault('MarshalError', `Unable to stringify response body: ${error.message}`))) };
  }
}

class StreamedAnswer {
  constructor(bytes) {
    this.bytes = bytes;
  }
}

function runStreaming(handler, input, context, succeed, fail) {
  const pieces = [];
  const stream = new Writable({
    write(piece, encoding, done) {
      pieces.push(Buffer.isBuffer(piece) ? piece : Buffer.from(piece, encoding));
      done();
    },
  });
  stream.setContentType = (type) => {
    stream.contentType = type;
  };
  stream.on('finish', () => succeed(new StreamedAnswer(Buffer.concat(pieces))));
  stream.on('error', fail);
  Promise.resolve(handler(input, stream, context)).catch(fail);
}

function defineStreaming() {
  globalThis.awslambda = {
    streamifyResponse(handler) {
      handler[STREAMING] = 'response';
      return handler;
    },
    HttpResponseStream: {
      // AWS: the metadata of an HTTP answer goes before its body, with eight zero bytes between.
      from(stream, metadata) {
        stream.setContentType('application/vnd.awslambda.http-integration-response');
        stream.write(JSON.stringify(metadata));
        stream.write(Buffer.alloc(8));
        return stream;
      },
    },
  };
}

function contextOf(head, callback, succeed, fail) {
  const environment = process.env;
  const context = {
    callbackWaitsForEmptyEventLoop: true,
    functionVersion: environment.AWS_LAMBDA_FUNCTION_VERSION,
    functionName: environment.AWS_LAMBDA_FUNCTION_NAME,
    memoryLimitInMB: environment.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: environment.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: environment.AWS_LAMBDA_LOG_STREAM_NAME,
    clientContext: head.client ? JSON.parse(head.client) : undefined,
    identity: head.cognito ? JSON.parse(head.cognito) : undefined,
    invokedFunctionArn: head.arn,
    awsRequestId: head.id,
    getRemainingTimeInMillis: () => Math.max(0, head.deadline_ms - Date.now()),
    succeed,
    fail: (error) => fail(error === undefined ? 'handled' : error),
    done: (error, value) => (error !== undefined && error !== null ? fail(error) : succeed(value)),
  };
  Object.defineProperty(context, '__callback', { value: callback, enumerable: false });
  return context;
}

module.exports = { invoke, defineStreaming };
