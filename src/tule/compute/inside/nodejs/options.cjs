'use strict';
// NODE_OPTIONS of the function: a worker was started before they were known, so what Node.js reads at its start is done late.

const { createRequire } = require('module');
const path = require('path');
const { pathToFileURL } = require('url');
const v8 = require('v8');

const WITHOUT_MEANING_HERE = new Set(['--no-deprecation', '--no-warnings', '--trace-deprecation', '--trace-warnings', '--pending-deprecation']);
const OF_V8 = /^--(max[-_]old[-_]space[-_]size|max[-_]semi[-_]space[-_]size|stack[-_]trace[-_]limit|stack[-_]size|expose[-_]gc)(=\d+)?$/;

async function applyOptions(root) {
  const words = (process.env.NODE_OPTIONS || '').split(/\s+/).filter(Boolean);
  while (words.length > 0) {
    const [option, given] = split(words.shift());
    const value = () => (given === undefined ? words.shift() : given);
    if (option === '--enable-source-maps') process.setSourceMapsEnabled(true);
    else if (option === '--require' || option === '-r') createRequire(path.join(root, 'any.js'))(value());
    else if (option === '--import') await importFrom(root, value());
    else if (option === '--no-deprecation') process.noDeprecation = true;
    else if (OF_V8.test(join(option, given))) v8.setFlagsFromString(join(option, given));
    else if (!WITHOUT_MEANING_HERE.has(option)) console.warn(`NODE_OPTIONS: ${join(option, given)} has no effect here.`);
  }
}

function split(word) {
  const at = word.indexOf('=');
  return at < 0 ? [word, undefined] : [word.slice(0, at), word.slice(at + 1)];
}

function join(option, value) {
  return value === undefined ? option : `${option}=${value}`;
}

function importFrom(root, specifier) {
  if (/^[a-z]+:/.test(specifier)) return import(specifier);
  return import(pathToFileURL(createRequire(path.join(root, 'any.js')).resolve(specifier)).href);
}

module.exports = { applyOptions };
