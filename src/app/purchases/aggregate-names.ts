/** The names of the purchase query's totals, for whoever reads them without running it. */

export const RUNNING = 'running';
export const DAYS = 'days';
export const CATEGORIES = 'categories';
