/** What a topic can hold that no good producer writes, each with the verdict that the documents give it. */

export interface PoisonCase {
  readonly title: string;
  /** null is a record without a value, as a compacted topic has them; everything else can be a line of a file. */
  readonly bytes: Buffer | null;
  /** `accepted`, or the reason and the field of its dead letter; the field is null where the whole event is meant. */
  readonly verdict: 'accepted' | readonly [reason: string, field: string | null];
  /** What an accepted one adds, where it is not 1.00 to Books. */
  readonly counts?: { readonly category?: string; readonly total?: string };
}

const FIELDS: Readonly<Record<string, string>> = {
  timestamp: '"2024-06-26T12:00:00Z"',
  customer_id: '"c"',
  product_category: '"Books"',
  quantity: '1',
  unit_price: '1.00',
  total_amount: '1.00',
  currency: '"USD"',
};

let made = 0;

/** An event that is good but for what is given: JSON text by field, undefined where the field is left out. */
function event(over: Readonly<Record<string, string | undefined>> = {}): string {
  made += 1;
  const fields: Readonly<Record<string, string | undefined>> = { event_id: `"e${made}"`, ...FIELDS, ...over };
  const members = Object.entries(fields).filter((entry) => entry[1] !== undefined);
  return `{${members.map(([name, text]) => `"${name}":${text ?? ''}`).join(',')}}`;
}

/** A good event with this text behind its last member. */
function with_(text: string): string {
  return `${event().slice(0, -1)},${text}}`;
}

const nested = (depth: number, open: string, close: string, core = ''): string =>
  open.repeat(depth) + core + close.repeat(depth);

const price = (text: string): Record<string, string> => ({ unit_price: text, total_amount: text });

const MALFORMED = ['MALFORMED_JSON', null] as const;
const INVALID_UTF8 = ['INVALID_UTF8', null] as const;
const NO_OBJECT = ['WRONG_TYPE', null] as const;
const EMPTY = ['EMPTY', null] as const;
const TOO_LARGE = ['TOO_LARGE', null] as const;
const of = (reason: string, field: string): readonly [string, string] => [reason, field];

const MIB = 1024 * 1024;

/** A good event of exactly so many bytes. */
function sized(bytes: number): string {
  const text = with_('"padding":""');
  return text.replace('"padding":""', `"padding":"${'x'.repeat(bytes - text.length)}"`);
}

function text(
  title: string,
  value: string,
  verdict: PoisonCase['verdict'],
  counts?: PoisonCase['counts'],
): PoisonCase {
  return { title, bytes: Buffer.from(value), verdict, ...(counts === undefined ? {} : { counts }) };
}

/** A string of the schema that holds these bytes. */
function bytesInText(title: string, ...bytes: readonly number[]): PoisonCase {
  const [before = '', after = ''] = event({ customer_id: '"c?"' }).split('?');
  return {
    title,
    bytes: Buffer.concat([Buffer.from(before), Buffer.from(bytes), Buffer.from(after)]),
    verdict: INVALID_UTF8,
  };
}

export const ESCAPES = '\u001b[2J\u001b]0;owned\u0007\u009b31m\u202e\u2028\u0000\r\b';
const ESCAPES_IN_JSON = '\\u001b[2J\\u001b]0;owned\\u0007\u009b31m\u202e\u2028\\r\\b';

export const POISON: readonly PoisonCase[] = [
  // Bytes.
  bytesInText('a continuation byte alone', 0x80),
  bytesInText('a sequence that is cut short', 0xe2, 0x82),
  bytesInText('an overlong slash', 0xc0, 0xaf),
  bytesInText('a surrogate in UTF-8', 0xed, 0xa0, 0x80),
  bytesInText('a code point beyond U+10FFFF', 0xf4, 0x90, 0x80, 0x80),
  bytesInText('bytes that no UTF-8 has', 0xff, 0xfe),
  {
    title: 'UTF-16',
    bytes: Buffer.from(`\ufeff${event()}`, 'utf16le'),
    verdict: INVALID_UTF8,
  },
  text('a byte order mark', `\ufeff${event()}`, MALFORMED),
  text('no bytes', '', EMPTY),
  { title: 'no value', bytes: null, verdict: EMPTY },
  text('1 MiB to the byte', sized(MIB), 'accepted'),
  text('1 MiB and a byte', sized(MIB + 1), TOO_LARGE),
  text('10 MB', sized(10_000_000), TOO_LARGE),
  text('10 MB of no JSON', '['.repeat(10_000_000), TOO_LARGE),
  text('16 MiB, the most that the log takes', sized(16 * MIB), TOO_LARGE),

  // JSON.
  text('white space alone', ' \t\r ', MALFORMED),
  text('the word null', 'null', NO_OBJECT),
  text('an array', `[${event()}]`, NO_OBJECT),
  text('a string', '"event"', NO_OBJECT),
  text('a number', '42', NO_OBJECT),
  text('an empty object', '{}', of('MISSING_FIELD', 'event_id')),
  text('a truncated object', event().slice(0, -7), MALFORMED),
  text('a truncated escape', event().replace('"c"', '"\\u00'), MALFORMED),
  text('two objects in a line', `${event()}${event()}`, MALFORMED),
  text('a comma too many', `${event().slice(0, -1)},}`, MALFORMED),
  text('a comment', `${event()}// good`, MALFORMED),
  text('single quotes', event().replaceAll('"', "'"), MALFORMED),
  text('a tab within a string', event({ customer_id: '"a\tb"' }), MALFORMED),
  text('an escape that JSON has not', event({ customer_id: '"\\x41"' }), MALFORMED),
  text('white space that JSON has not', `\u00a0${event()}`, MALFORMED),
  text('NUL behind the object', `${event()}\0`, MALFORMED),
  text('a carriage return behind the object', `${event()}\r`, 'accepted'),
  text('depth 5,000 of arrays', with_(`"deep":${nested(5000, '[', ']')}`), MALFORMED),
  text('depth 5,000 of objects', nested(5000, '{"a":', '}', '1'), MALFORMED),
  text('depth 100,000, not closed', '['.repeat(100_000), MALFORMED),
  text('depth 513', with_(`"deep":${nested(512, '[', ']')}`), MALFORMED),
  text('depth 512', with_(`"deep":${nested(511, '[', ']')}`), 'accepted'),
  text('400,000 empty arrays in an unknown field', with_(`"wide":[${'[],'.repeat(300_000)}[]]`), 'accepted'),
  text(
    '20,000 unknown keys',
    with_(Array.from({ length: 20_000 }, (_, n) => `"k${n}":0`).join()),
    'accepted',
  ),

  // Numbers.
  text('NaN', event(price('NaN')), MALFORMED),
  text('Infinity', event(price('-Infinity')), MALFORMED),
  text('a hexadecimal number', event({ quantity: '0x1' }), MALFORMED),
  text('a leading zero', event({ quantity: '01' }), MALFORMED),
  text('a leading plus', event({ quantity: '+1' }), MALFORMED),
  text('a point without decimals', event(price('1.')), MALFORMED),
  text('1e400', event(price('1e400')), of('OUT_OF_RANGE', 'unit_price')),
  text('1e400 as a quantity', event({ quantity: '1e400' }), of('OUT_OF_RANGE', 'quantity')),
  text('1e-400', event(price('1e-400')), of('OUT_OF_RANGE', 'unit_price')),
  text(
    'an exponent of twenty digits',
    event(price('1e99999999999999999999')),
    of('OUT_OF_RANGE', 'unit_price'),
  ),
  text(
    'an exponent of a thousand digits',
    event(price(`1e-${'9'.repeat(1000)}`)),
    of('OUT_OF_RANGE', 'unit_price'),
  ),
  text('zero with a huge exponent', event(price('0e99999999999999999999')), 'accepted', { total: '0.00' }),
  text('one, with an exponent and many zeros', event(price(`0.${'0'.repeat(999)}1e1000`)), 'accepted'),
  text('one, with ten thousand zeros behind', event(price(`1.${'0'.repeat(10_000)}`)), 'accepted'),
  text('2^53 + 1', event(price('9007199254740993')), 'accepted', { total: '9007199254740993.00' }),
  text('2^53 + 1 as a quantity', event({ quantity: '9007199254740993' }), of('OUT_OF_RANGE', 'quantity')),
  text('2^32 + 1 as a quantity', event({ quantity: '4294967297' }), of('OUT_OF_RANGE', 'quantity')),
  text('the most money', event(price('9999999999999999.99')), 'accepted', { total: '9999999999999999.99' }),
  text(
    'a digit more than the most money',
    event(price('10000000000000000')),
    of('OUT_OF_RANGE', 'unit_price'),
  ),
  text('half a cent', event(price('1.005')), of('OUT_OF_RANGE', 'unit_price')),
  text(
    'a tail that a float would swallow',
    event(price('1.000000000000000000001')),
    of('OUT_OF_RANGE', 'unit_price'),
  ),
  text('-0', event(price('-0')), 'accepted', { total: '0.00' }),
  text('-0.00e5', event(price('-0.00e5')), 'accepted', { total: '0.00' }),
  text('-0 as a quantity', event({ quantity: '-0' }), of('OUT_OF_RANGE', 'quantity')),
  text('a negative price', event(price('-1.00')), of('OUT_OF_RANGE', 'unit_price')),
  text('money as text', event({ total_amount: '"1.00"' }), of('WRONG_TYPE', 'total_amount')),
  text('money as an object', event({ total_amount: '{"valueOf":1}' }), of('WRONG_TYPE', 'total_amount')),
  text(
    'a total that is two cents off',
    event({ total_amount: '1.02' }),
    of('AMOUNT_MISMATCH', 'total_amount'),
  ),

  // Names and text.
  text('__proto__ as a key', with_('"__proto__":{"total_amount":5,"polluted":true}'), 'accepted'),
  text('__proto__ in place of the fields', `{"__proto__":${event()}}`, of('MISSING_FIELD', 'event_id')),
  text('constructor as a key', with_('"constructor":{"prototype":{"polluted":true}}'), 'accepted'),
  text('__proto__ as a category', event({ product_category: '"__proto__"' }), 'accepted', {
    category: '__proto__',
  }),
  text('constructor as a category', event({ product_category: '"constructor"' }), 'accepted', {
    category: 'constructor',
  }),
  text('__proto__ as a currency', event({ currency: '"__proto__"' }), of('OUT_OF_RANGE', 'currency')),
  text('constructor as a currency', event({ currency: '"constructor"' }), of('OUT_OF_RANGE', 'currency')),
  text(
    '__proto__ as a segment',
    with_('"customer_segment":"__proto__"'),
    of('OUT_OF_RANGE', 'customer_segment'),
  ),
  text('__proto__ as an event id', event({ event_id: '"__proto__"' }), 'accepted'),
  text('__proto__ as an event id again', event({ event_id: '"__proto__"', currency: '"EUR"' }), [
    'CONFLICTING_DUPLICATE',
    'event_id',
  ]),
  text('a key with escapes', event().replace('"total_amount"', '"\\u0074otal\\u005famount"'), 'accepted'),
  text(
    'the last of two keys is good',
    with_('"quantity":1').replace('"quantity":1', '"quantity":"many"'),
    'accepted',
  ),
  text('the last of two keys is bad', with_('"quantity":"many"'), of('WRONG_TYPE', 'quantity')),
  text('the last of two keys is null', with_('"currency":null'), of('MISSING_FIELD', 'currency')),
  text('the last of two keys has escapes', with_('"\\u0071uantity":0'), of('OUT_OF_RANGE', 'quantity')),
  text('the second location forgets the first', with_('"location":{"city":5},"location":{}'), 'accepted'),
  text('a location that is an array', with_('"location":["DE"]'), of('WRONG_TYPE', 'location')),
  text('a city that is a number', with_('"location":{"city":5}'), of('WRONG_TYPE', 'location.city')),
  text('a key in capitals', event({ quantity: undefined, Quantity: '1' }), of('MISSING_FIELD', 'quantity')),
  text(
    'the high half of a surrogate pair',
    event({ customer_id: '"\\ud83d"' }),
    of('OUT_OF_RANGE', 'customer_id'),
  ),
  text(
    'the low half of a surrogate pair',
    event({ customer_id: '"\\ude00a"' }),
    of('OUT_OF_RANGE', 'customer_id'),
  ),
  text('the halves the wrong way round', event({ product_category: '"\\ude00\\ud83d"' }), [
    'OUT_OF_RANGE',
    'product_category',
  ]),
  text('half a pair in an unknown field', with_('"unknown":"\\ud83d"'), 'accepted'),
  text('half a pair in an unknown key', with_('"\\ud83d":1'), 'accepted'),
  text(
    'NUL in a string of the schema',
    event({ customer_id: '"a\\u0000b"' }),
    of('OUT_OF_RANGE', 'customer_id'),
  ),
  text('NUL in an unknown field', with_('"unknown":"\\u0000"'), 'accepted'),
  text(
    'terminal escapes in an id, a customer and a category',
    event({
      event_id: `"${ESCAPES_IN_JSON}"`,
      customer_id: `"${ESCAPES_IN_JSON}"`,
      product_category: `"${ESCAPES_IN_JSON}"`,
    }),
    'accepted',
    { category: ESCAPES.replace('\0', '') },
  ),
  text(
    'terminal escapes in what is quoted',
    event({ currency: `"${ESCAPES_IN_JSON}"` }),
    of('OUT_OF_RANGE', 'currency'),
  ),
  text('terminal escapes as they are', `${ESCAPES}{`, MALFORMED),
  text('an event id of no characters', event({ event_id: '""' }), of('OUT_OF_RANGE', 'event_id')),
  text('an event id of 128 emoji', event({ event_id: `"${'😀'.repeat(128)}"` }), 'accepted'),
  text(
    'an event id of 129 characters',
    event({ event_id: `"${'x'.repeat(129)}"` }),
    of('OUT_OF_RANGE', 'event_id'),
  ),

  // Times.
  text('30 February', event({ timestamp: '"2026-02-30T12:00:00Z"' }), of('OUT_OF_RANGE', 'timestamp')),
  text(
    '29 February of no leap year',
    event({ timestamp: '"2023-02-29T12:00:00Z"' }),
    of('OUT_OF_RANGE', 'timestamp'),
  ),
  text('a leap second', event({ timestamp: '"2016-12-31T23:59:60Z"' }), of('OUT_OF_RANGE', 'timestamp')),
  text('24 o’clock', event({ timestamp: '"2024-06-26T24:00:00Z"' }), of('OUT_OF_RANGE', 'timestamp')),
  text('a time without zone', event({ timestamp: '"2024-06-26T12:00:00"' }), of('WRONG_TYPE', 'timestamp')),
  text('a date without time', event({ timestamp: '"2024-06-26"' }), of('WRONG_TYPE', 'timestamp')),
  text(
    'a time in words',
    event({ timestamp: '"Wed, 26 Jun 2024 12:00:00 GMT"' }),
    of('WRONG_TYPE', 'timestamp'),
  ),
  text('a time as a number', event({ timestamp: '1719403200000' }), of('WRONG_TYPE', 'timestamp')),
  text(
    'a year of five digits',
    event({ timestamp: '"+12024-06-26T12:00:00Z"' }),
    of('WRONG_TYPE', 'timestamp'),
  ),
  text(
    'an offset of a day',
    event({ timestamp: '"2024-06-26T12:00:00+24:00"' }),
    of('OUT_OF_RANGE', 'timestamp'),
  ),
  text('the year 9999', event({ timestamp: '"9999-12-31T23:59:59Z"' }), of('FUTURE_TIMESTAMP', 'timestamp')),
  text(
    'a time whose digits are not ASCII',
    event({ timestamp: '"２０24-06-26T12:00:00Z"' }),
    of('WRONG_TYPE', 'timestamp'),
  ),
  text('a time with escapes', event({ timestamp: '"\\u0032024-06-26T12:00:00\\u005a"' }), 'accepted'),
  text(
    'nanoseconds and an offset',
    event({ timestamp: '"2024-06-26t14:00:00.000000999+02:00"' }),
    'accepted',
  ),

  text('a good event at the end', event(), 'accepted'),
];
