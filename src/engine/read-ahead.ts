/** Reads several ranges one after the other, and asks for the beginnings of the next ones meanwhile. */

/** How many ranges are read ahead of the current one. */
const AHEAD_MAX = 3;

/** An opened source, and its first answer on the way. */
interface Started<T> {
  readonly source: AsyncIterator<T>;
  readonly first: Promise<IteratorResult<T>>;
}

/**
 * The sources in order, each as an iterable. The first item of the next few is asked for while one is taken, and no more
 * than that, so memory stays bounded by some items. Whoever ends early closes what was opened.
 */
export async function* readAhead<T>(
  open: readonly (() => AsyncIterable<T>)[],
): AsyncGenerator<AsyncIterable<T>> {
  const started: Started<T>[] = [];
  let next = 0;
  const startUpTo = (end: number): void => {
    for (; next < Math.min(end, open.length); next += 1) {
      const source = (open[next] as () => AsyncIterable<T>)()[Symbol.asyncIterator]();
      const first = source.next();
      // It is awaited when its turn comes; until then a failure is no unhandled one.
      first.catch(() => undefined);
      started.push({ source, first });
    }
  };
  try {
    for (let at = 0; at < open.length; at += 1) {
      startUpTo(at + 1 + AHEAD_MAX);
      yield itemsOf(started.shift() as Started<T>);
    }
  } finally {
    for (const { source, first } of started) {
      await first.catch(() => undefined);
      await source.return?.();
    }
  }
}

async function* itemsOf<T>({ source, first }: Started<T>): AsyncGenerator<T, void, undefined> {
  try {
    for (let item = await first; item.done !== true; item = await source.next()) yield item.value;
  } finally {
    await source.return?.();
  }
}
