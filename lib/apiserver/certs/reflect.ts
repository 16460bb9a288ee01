// Must be imported before @peculiar/x509, whose container library refuses to load without a part of the metadata proposal that
// never became part of the language. x509 registers its classes without noted parameters, so there is nothing to find.
type Look = (...of: readonly unknown[]) => unknown;
const reflect = Reflect as { getMetadata?: Look; getOwnMetadata?: Look };
reflect.getMetadata ??= () => undefined;
reflect.getOwnMetadata ??= () => undefined;
