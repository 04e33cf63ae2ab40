export default function Page() {
  return <h1>auditors</h1>;
}
