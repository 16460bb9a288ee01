// Rules for names, labels and annotations (apimachinery's validation, with its words).

const LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const QUALIFIED_NAME = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/;
const LABEL_VALUE = /^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$/;

const LABEL_TEXT =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const SUBDOMAIN_TEXT =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const QUALIFIED_TEXT =
  "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const VALUE_TEXT =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

const tooLong = (limit: number) => `must be no more than ${limit} characters`;

/** A name that will get a random ending is checked as if it had one. */
function completed(name: string, prefix: boolean): string {
  return prefix && name.endsWith('-') ? `${name.slice(0, -1)}a` : name;
}

/** Names of most objects. */
export function dnsSubdomain(name: string, prefix = false): string[] {
  const full = completed(name, prefix);
  return [...(full.length > 253 ? [tooLong(253)] : []), ...(SUBDOMAIN.test(full) ? [] : [SUBDOMAIN_TEXT])];
}

/** Names of namespaces and the like. */
export function dnsLabel(name: string, prefix = false): string[] {
  const full = completed(name, prefix);
  return [...(full.length > 63 ? [tooLong(63)] : []), ...(LABEL.test(full) ? [] : [LABEL_TEXT])];
}

const DNS_1035 = /^[a-z]([-a-z0-9]*[a-z0-9])?$/;
const DNS_1035_TEXT =
  "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";

/** Names of kinds, resources and versions. */
export function dns1035Label(name: string): string[] {
  return [...(name.length > 63 ? [tooLong(63)] : []), ...(DNS_1035.test(name) ? [] : [DNS_1035_TEXT])];
}

/** Names that only must fit into a path: RBAC objects. */
export function pathSegment(name: string): string[] {
  if (name === '.' || name === '..') return [`may not be '${name}'`];
  return ['/', '%'].filter((bad) => name.includes(bad)).map((bad) => `may not contain '${bad}'`);
}

/** Keys of labels and annotations: an optional DNS prefix, a slash, a name. */
export function qualifiedName(key: string): string[] {
  const parts = key.split('/');
  if (parts.length > 2) {
    return [
      `a qualified name ${QUALIFIED_TEXT} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`,
    ];
  }
  const problems: string[] = [];
  const name = parts[parts.length - 1]!;
  if (parts.length === 2) {
    const prefix = parts[0]!;
    if (prefix === '') problems.push('prefix part must be non-empty');
    else problems.push(...dnsSubdomain(prefix).map((problem) => `prefix part ${problem}`));
  }
  if (name === '') problems.push('name part must be non-empty');
  else if (name.length > 63) problems.push(`name part ${tooLong(63)}`);
  if (!QUALIFIED_NAME.test(name)) problems.push(`name part ${QUALIFIED_TEXT}`);
  return problems;
}

export function labelValue(value: string): string[] {
  return [...(value.length > 63 ? [tooLong(63)] : []), ...(LABEL_VALUE.test(value) ? [] : [VALUE_TEXT])];
}
