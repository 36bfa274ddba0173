/** The names of the purchase query's totals, for code that reads them without running the query. */

export const RUNNING = 'running';
export const DAYS = 'days';
export const CATEGORIES = 'categories';
