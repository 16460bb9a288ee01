// Who makes a request (authentication/v1 UserInfo).

export interface User {
  readonly name: string;
  readonly uid: string;
  readonly groups: readonly string[];
}
