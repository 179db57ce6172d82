'use strict';
// Handlers that write their answer to a stream (`awslambda.streamifyResponse`); here the answer is gathered and sent at its end.
// AWS: https://docs.aws.amazon.com/lambda/latest/dg/config-rs-write-functions.html

const { Writable } = require('stream');

const STREAMING = Symbol.for('aws.lambda.runtime.handler.streaming');
const HTTP_ANSWER = 'application/vnd.awslambda.http-integration-response';
const AFTER_METADATA = Buffer.alloc(8);

class Answer extends Writable {
  constructor() {
    super();
    this.pieces = [];
    this.finished = new Promise((resolve, reject) => this.on('finish', resolve).on('error', reject));
    this.finished.catch(() => {}); // whoever waits for it hears of it
  }

  _write(piece, encoding, done) {
    this.pieces.push(Buffer.isBuffer(piece) ? piece : Buffer.from(piece, encoding));
    done();
  }

  setContentType(type) {
    this.contentType = type;
  }
}

function isStreaming(handler) {
  return Boolean(handler[STREAMING]);
}

// A promise of the bytes that the handler wrote, once it has ended both itself and the stream.
async function streamed(handler, input, context) {
  const answer = new Answer();
  const result = handler(input, answer, context);
  if (!result || typeof result.then !== 'function') throw 'Streaming does not support non-async handlers.'; // eslint-disable-line no-throw-literal
  if ((await result) !== undefined) console.warn('Streaming handlers ignore return values.');
  await answer.finished;
  return Buffer.concat(answer.pieces);
}

// The global that functions find, without an import.
function defineStreaming() {
  globalThis.awslambda = {
    streamifyResponse(handler) {
      handler[STREAMING] = 'response';
      return handler;
    },
    HttpResponseStream: {
      // The metadata of an HTTP answer goes before its body, with eight zero bytes between.
      from(answer, metadata) {
        answer.setContentType(HTTP_ANSWER);
        answer.write(JSON.stringify(metadata));
        answer.write(AFTER_METADATA);
        return answer;
      },
    },
  };
}

module.exports = { defineStreaming, isStreaming, streamed };
