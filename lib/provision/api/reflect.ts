// Lets @peculiar/x509 load. Its container library (tsyringe) refuses to start without the metadata API of a decorators
// proposal, and looks there for what a compiler would have noted of constructors' parameters. x509's own classes have
// none, so "nothing noted" is the right answer to every question. Goes when the package reflect-metadata is installed.
declare global {
  namespace Reflect {
    let getMetadata: ((...key: readonly unknown[]) => unknown) | undefined;
    let getOwnMetadata: ((...key: readonly unknown[]) => unknown) | undefined;
  }
}

Reflect.getMetadata ??= () => undefined;
Reflect.getOwnMetadata ??= () => undefined;

export {};
