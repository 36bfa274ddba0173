/** Packages that only tests and users need, and that may be missing where the tests run. */
export function isMissing(name: string): boolean {
  try {
    import.meta.resolve(name);
    return false;
  } catch {
    return true;
  }
}
