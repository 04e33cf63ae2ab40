export default function Page() {
  return <h1>network</h1>;
}
