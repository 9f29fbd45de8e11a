/** The base URL of the status API without a slash at its end. Throws an Error for the operator. */
export function parseObjectsUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || /[?#]/.test(text)) {
    throw new Error('must be an http:// or https:// URL without a query; /objects/<id> is appended to it');
  }
  return url.href.replace(/\/+$/, '');
}
