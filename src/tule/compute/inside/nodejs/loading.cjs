'use strict';
// From `dir/file.function` to the function, out of CommonJS or ES modules.
// AWS: https://docs.aws.amazon.com/lambda/latest/dg/nodejs-handler.html

const fs = require('fs');
const path = require('path');
const { pathToFileURL } = require('url');
const { fault } = require('./errors.cjs');
const { followNodePath, importsLater } = require('./resolution.cjs');

const HANDLER = /^([^.]*)\.(.*)$/;

async function loadHandler(root, text) {
  if (text.includes('..')) {
    throw fault('MalformedHandlerName', `'${text}' is not a valid handler name. Use absolute paths when specifying root directories in handler names.`);
  }
  const base = path.basename(text);
  const match = HANDLER.exec(base);
  if (!match) throw fault('MalformedHandlerName', 'Bad handler');
  const directory = text.slice(0, text.indexOf(base));
  const module = await loadModule(root, directory, match[1]);
  const handler = match[2].split('.').reduce((value, name) => value && value[name], module);
  if (!handler) throw fault('HandlerNotFound', `${text} is undefined or not exported`);
  if (typeof handler !== 'function') throw fault('HandlerNotFound', `${text} is not a function`);
  return handler;
}

async function loadModule(root, directory, name) {
  const base = path.resolve(root, directory, name);
  try {
    if (isFile(base)) return requireFile(base);
    if (isFile(`${base}.js`)) return isModule(base) ? await importFile(`${base}.js`) : requireFile(`${base}.js`);
    if (isFile(`${base}.mjs`)) return await importFile(`${base}.mjs`);
    if (isFile(`${base}.cjs`)) return requireFile(`${base}.cjs`);
    return require(require.resolve(name, { paths: [root, path.join(root, directory)] }));
  } catch (error) {
    throw asFault(error);
  }
}

function requireFile(file) {
  followNodePath(file, importsLater);
  return require(file);
}

function importFile(file) {
  followNodePath(file);
  return import(pathToFileURL(file).href);
}

function isFile(file) {
  return fs.existsSync(file) && fs.statSync(file).isFile();
}

// Whether the nearest package.json says "type": "module".
function isModule(base) {
  for (let directory = path.dirname(base); ; directory = path.dirname(directory)) {
    if (directory.endsWith('/node_modules')) return false;
    const manifest = path.join(directory, 'package.json');
    if (fs.existsSync(manifest)) {
      try {
        return JSON.parse(fs.readFileSync(manifest, 'utf8')).type === 'module';
      } catch (error) {
        console.warn(`${manifest} cannot be read, it will be ignored for ES module detection purposes.`, error);
        return false;
      }
    }
    if (directory === path.dirname(directory)) return false;
  }
}

function asFault(error) {
  if (error instanceof SyntaxError) return fault('UserCodeSyntaxError', error);
  if (error && error.code === 'MODULE_NOT_FOUND') return fault('ImportModuleError', error);
  return error;
}

module.exports = { loadHandler };
