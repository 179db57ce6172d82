'use strict';
// ES modules find packages in the directories of NODE_PATH too: layers' and the SDK's.  Node.js itself looks there for CommonJS only.
// AWS: Node.js 18.x runtime, "support for ES module resolution using NODE_PATH"

const fs = require('fs');
const path = require('path');
const module_ = require('module');
const { pathToFileURL } = require('url');

const IMPORT = /\b(?:import|export)\b([^'"();]*?)(['"])([^'"\n]+)\2|\bimport\s*\(\s*(?:(['"])([^'"\n]+)\4\s*\))?/g;
const DYNAMIC_IMPORT = /\bimport\s*\(/;
const REQUIRE = /\brequire\s*\(\s*(['"])(\.[^'"\n]*)\1\s*\)/g;
const MOST_FILES = 500;

// Before `file` is loaded, as an ES module or (`isImporting` tells them apart) by `require`; where Node.js has no hooks (before
// 18.19) it finds what Node.js finds.
function followNodePath(file, isImporting = importsPackages) {
  const places = placesOf(process.env.NODE_PATH || '');
  if (places.length === 0) return;
  if (module_.registerHooks) {
    module_.registerHooks({ resolve: (specifier, context, next) => resolveSync(places, specifier, context, next) });
  } else if (module_.register && isImporting(file)) {
    // These hooks run in a thread, whose start costs more than all else: only for code that may need them.
    module_.register(pathToFileURL(path.join(__dirname, 'resolution_hooks.mjs')).href, { data: { places } });
  }
}

// Whether anything that `file` imports, itself or by way of its neighbours, is a package, or cannot be told.
function importsPackages(file) {
  const seen = new Set([file]);
  for (const each of seen) {
    if (seen.size > MOST_FILES || !fs.existsSync(each)) return true;
    for (const match of fs.readFileSync(each, 'utf8').matchAll(IMPORT)) {
      const specifier = match[3] || match[5];
      if (specifier === undefined) return true;
      if (/^\.\.?\//.test(specifier)) seen.add(path.resolve(path.dirname(each), specifier));
      else if (!specifier.startsWith('node:') && !module_.builtinModules.includes(specifier)) return true;
    }
  }
  return false;
}

// Whether `file`, or what it requires of its neighbours, imports anything while it runs, as CommonJS may.
function importsLater(file) {
  const seen = new Set([file]);
  for (const each of seen) {
    if (seen.size > MOST_FILES) return true;
    const text = fs.readFileSync(each, 'utf8');
    if (DYNAMIC_IMPORT.test(text)) return true;
    for (const match of text.matchAll(REQUIRE)) {
      const found = resolved(path.resolve(path.dirname(each), match[2]));
      if (found !== undefined) seen.add(found);
    }
  }
  return false;
}

function resolved(base) {
  const names = ['', '.js', '.cjs', `${path.sep}index.js`].map((ending) => base + ending);
  return names.find((name) => /\.c?js$/.test(name) && fs.existsSync(name));
}

// Modules that would stand beside each `node_modules` directory: what they import is looked for in it.
function placesOf(nodePath) {
  const directories = nodePath.split(path.delimiter).filter((directory) => path.basename(directory) === 'node_modules');
  return directories.map((directory) => pathToFileURL(path.join(path.dirname(directory), 'any.mjs')).href);
}

function resolveSync(places, specifier, context, next) {
  try {
    return next(specifier, context);
  } catch (error) {
    if (!isMissingPackage(specifier, error)) throw error;
    for (const parentURL of places) {
      try {
        return next(specifier, { ...context, parentURL });
      } catch (other) {
        if (!isMissingPackage(specifier, other)) throw other;
      }
    }
    throw error;
  }
}

function isMissingPackage(specifier, error) {
  return (error.code === 'ERR_MODULE_NOT_FOUND' || error.code === 'MODULE_NOT_FOUND') && !/^(\.|\/|[a-z]+:)/.test(specifier);
}

module.exports = { followNodePath, importsLater, isMissingPackage };
