import { Component, type ReactNode } from "react";
import { asFailure, type PageError } from "../failure.ts";
import { Failure } from "./notice.tsx";

/** A page that fails does not take the others with it. */
export class Boundary extends Component<
  { children: ReactNode },
  { failure: PageError | undefined }
> {
  override state: { failure: PageError | undefined } = { failure: undefined };

  static getDerivedStateFromError(error: unknown) {
    return { failure: asFailure(error) };
  }

  override render() {
    const { failure } = this.state;
    return failure === undefined ? this.props.children : <Failure failure={failure} />;
  }
}
