'use strict';
// From `dir/file.function` to the function, out of CommonJS or ES modules.

const fs = require('fs');
const path = require('path');
const { pathToFileURL } = require('url');
const { RuntimeFault } = require('./errors.cjs');

const HANDLER = /^([^.]*)\.(.*)$/;

async function loadHandler(root, text) {
  if (text.includes('..')) throw new RuntimeFault('MalformedHandlerName', `'${text}' is not a valid handler name. Use absolute paths when specifying root directories in handler names.`);
  const base = path.basename(text);
  const match = HANDLER.exec(base);
  if (!match || match[1] === '' || match[2] === '') throw new RuntimeFault('MalformedHandlerName', 'Bad handler');
  const directory = text.slice(0, text.length - base.length);
  const module = await loadModule(root, directory, match[1]);
  const handler = match[2].split('.').reduce((value, name) => value && value[name], module);
  if (handler === undefined || handler === null) throw new RuntimeFault('HandlerNotFound', `${text} is undefined or not exported`);
  if (typeof handler !== 'function') throw new RuntimeFault('HandlerNotFound', `${text} is not a function`);
  return handler;
}

async function loadModule(root, directory, name) {
  const base = path.resolve(root, directory, name);
  try {
    for (const file of [base, `${base}.js`]) {
      if (isFile(file)) return isModule(file) ? await importFile(file) : require(file);
    }
    if (isFile(`${base}.mjs`)) return await importFile(`${base}.mjs`);
    if (isFile(`${base}.cjs`)) return require(`${base}.cjs`);
    return require(require.resolve(name, { paths: [root, path.join(root, directory)] }));
  } catch (error) {
    throw asFault(error);
  }
}

// A default export stands for the module where the handler is not a named one.
async function importFile(file) {
  const module = await import(pathToFileURL(file).href);
  return module.default && typeof module.default === 'object' ? { ...module.default, ...module } : module;
}

function isFile(file) {
  return fs.existsSync(file) && fs.statSync(file).isFile();
}

// Whether the nearest package.json says "type": "module".
function isModule(file) {
  for (let directory = path.dirname(file); ; directory = path.dirname(directory)) {
    const manifest = path.join(directory, 'package.json');
    if (fs.existsSync(manifest)) {
      try {
        return JSON.parse(fs.readFileSync(manifest, 'utf8')).type === 'module';
      } catch {
        return false;
      }
    }
    if (directory === path.dirname(directory)) return false;
  }
}

function asFault(error) {
  if (error instanceof SyntaxError) return new RuntimeFault('UserCodeSyntaxError', error, error);
  if (error && (error.code === 'MODULE_NOT_FOUND' || error.code === 'ERR_MODULE_NOT_FOUND')) return new RuntimeFault('ImportModuleError', error, error);
  return error;
}

module.exports = { loadHandler };
