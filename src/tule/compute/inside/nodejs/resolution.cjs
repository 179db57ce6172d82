'use strict';
// ES modules find packages in the directories of NODE_PATH too: layers' and the SDK's.  Node.js itself looks there for CommonJS only.
// AWS: Node.js 18.x runtime, "support for ES module resolution using NODE_PATH"

const path = require('path');
const module_ = require('module');
const { pathToFileURL } = require('url');

// Before the function's ES modules are imported; where Node.js has no hooks (before 18.19) they find what Node.js finds.
function followNodePath() {
  const places = placesOf(process.env.NODE_PATH || '');
  if (places.length === 0) return;
  if (module_.registerHooks) {
    module_.registerHooks({ resolve: (specifier, context, next) => resolveSync(places, specifier, context, next) });
  } else if (module_.register) {
    module_.register(pathToFileURL(path.join(__dirname, 'resolution_hooks.mjs')).href, { data: { places } });
  }
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

module.exports = { followNodePath, isMissingPackage };
