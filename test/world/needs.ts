// What not every machine has. A test without it is skipped and says so; with REQUIRE_ALL=1 it runs
// and fails.

export const REQUIRE_ALL = process.env['REQUIRE_ALL'] === '1';

/** For a test's options. */
export const needs = (what: string, isThere: boolean): { readonly skip: string | false } => ({
  skip: isThere || REQUIRE_ALL ? false : `needs ${what}`,
});
