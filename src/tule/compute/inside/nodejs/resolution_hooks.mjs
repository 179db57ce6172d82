// The same as `resolveSync`, for versions of Node.js whose hooks run in a thread of their own.

import resolution from './resolution.cjs';

let places = [];

export function initialize(data) {
  places = data.places;
}

export async function resolve(specifier, context, next) {
  try {
    return await next(specifier, context);
  } catch (error) {
    if (!resolution.isMissingPackage(specifier, error)) throw error;
    for (const parentURL of places) {
      try {
        return await next(specifier, { ...context, parentURL });
      } catch (other) {
        if (!resolution.isMissingPackage(specifier, other)) throw other;
      }
    }
    throw error;
  }
}
