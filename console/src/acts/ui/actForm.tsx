import { useState, type SubmitEvent } from "react";
import type { Act, Field, Values } from "../act.ts";
import type { Run } from "../useRun.ts";
import { Failure } from "../../ui/notice.tsx";
import { Preview } from "./preview.tsx";

/** The form of an act, then what it would do, then how it ended. */
export function ActForm(props: { act: Act; run: Run; isConnected: boolean; given: Values }) {
  const { act, run, isConnected, given } = props;
  const [values, setValues] = useState<Values>(() => initial(act, given));
  const { step, failure, field } = run;
  const isOpen = step.kind === "filling" || step.kind === "checking";
  const check = (event: SubmitEvent) => {
    event.preventDefault();
    run.check(values);
  };
  return (
    <form className="act" onSubmit={check} aria-labelledby="act-title" noValidate>
      <h2 id="act-title">{act.title}</h2>
      <p className="muted">{act.about}</p>
      {act.fields.map((each) => (
        <Input
          key={each.name}
          field={each}
          value={values[each.name] ?? ""}
          isOpen={isOpen}
          isWrong={field === each.name}
          set={(value) => {
            setValues({ ...values, [each.name]: value });
          }}
        />
      ))}
      {failure && (
        <div id="act-failure">
          <Failure failure={failure} />
        </div>
      )}
      {isOpen ? (
        <button
          type="submit"
          className="primary"
          disabled={!isConnected || step.kind === "checking"}
        >
          {step.kind === "checking" ? "Checking…" : "Check and show the cost"}
        </button>
      ) : (
        <Preview run={run} />
      )}
      {!isConnected && <p className="muted">Connect a wallet first.</p>}
    </form>
  );
}

function Input(props: {
  field: Field;
  value: string;
  isOpen: boolean;
  isWrong: boolean;
  set(value: string): void;
}) {
  const { field, value, isOpen, isWrong, set } = props;
  const id = `act-${field.name}`;
  const hint = field.hint === undefined ? undefined : `${id}-hint`;
  const described = [hint, isWrong ? "act-failure" : undefined].filter(Boolean).join(" ");
  const common = {
    id,
    value,
    disabled: !isOpen,
    required: field.required === true,
    "aria-invalid": isWrong,
    ...(described !== "" && { "aria-describedby": described }),
  };
  const isNumber = ["bloc", "service", "number"].includes(field.kind);
  return (
    <div className="field act-field">
      <label htmlFor={id}>{field.label}</label>
      {field.kind === "choice" ? (
        <select
          {...common}
          onChange={(event) => {
            set(event.target.value);
          }}
        >
          {field.options?.map((option) => (
            <option key={option.value} value={option.value}>
              {option.label}
            </option>
          ))}
        </select>
      ) : field.kind === "long" ? (
        <textarea
          {...common}
          rows={4}
          spellCheck={false}
          onChange={(event) => {
            set(event.target.value);
          }}
        />
      ) : (
        <input
          {...common}
          type="text"
          inputMode={isNumber ? "decimal" : "text"}
          autoComplete="off"
          spellCheck={false}
          onChange={(event) => {
            set(event.target.value);
          }}
        />
      )}
      {hint !== undefined && <small id={hint}>{field.hint}</small>}
    </div>
  );
}

function initial(act: Act, given: Values): Values {
  return Object.fromEntries(
    act.fields.map(({ name, initial: first = "" }) => [name, given[name] ?? first]),
  );
}
