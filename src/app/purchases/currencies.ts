/**
 * The accepted currencies of a purchase. Source: ISO 4217 list one, the current currency and fund codes published by SIX
 * Financial Information for ISO, as of the list published 2026-09-17: 178 codes, with minor units of 2 (139 codes),
 * 0 (17), 3 (7), 4 (2) and none (13). Withdrawn codes (list three, such as BGN since 2026-01-01) are unknown here.
 *
 * Every code with two decimals is accepted, including fund codes such as CHW, so that the rule is one sentence. The codes
 * without a minor unit cannot be used to pay: metals, bond units, units of account, the test code XTS, and XXX for "no
 * currency". They are rejected by name, so that the message can say why.
 */

/** Decimals of every amount: the minor unit that all accepted currencies share. */
export const MONEY_DECIMALS = 2;

/** ISO 4217 codes with two decimals, in order. */
export const CURRENCIES: readonly string[] = Object.freeze(
  words(`
  AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF CHW CNY COP
  COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR
  JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN
  NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL
  THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XAD XCD XCG YER ZAR ZMW ZWG`),
);

/** Codes that are not supported yet, by their number of decimals. */
const OTHER_DECIMALS: readonly (readonly [decimals: number, codes: readonly string[]])[] = [
  [0, words('BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF')],
  [3, words('BHD IQD JOD KWD LYD OMR TND')],
  [4, words('CLF UYW')],
];

const WITHOUT_MINOR_UNIT = words('XAG XAU XBA XBB XBC XBD XDR XPD XPT XSU XTS XUA XXX');

/** The expected value, for each ISO 4217 code that is rejected by name. */
export const REFUSED_CURRENCIES: Readonly<Record<string, string>> = Object.freeze(
  Object.fromEntries([
    ...OTHER_DECIMALS.flatMap(([decimals, codes]) =>
      codes.map((code) => [
        code,
        `a currency with two decimals (${code} has ${decimals}: not supported yet)`,
      ]),
    ),
    ...WITHOUT_MINOR_UNIT.map((code) => [
      code,
      `a currency with two decimals (${code} is no currency to pay in)`,
    ]),
  ]),
);

function words(text: string): readonly string[] {
  return text.trim().split(/\s+/);
}
