import { Wallet, Trash2 as Bin } from "lucide-react";
import styles from "./Header.module.css";

export function Header({ logo, title }: { logo: string; title: string }) {
  return (
    <header className={styles.head}>
      <img src={logo} alt="" width={24} />
      <h1>{title}</h1>
      <Wallet size={16} />
      <Bin />
    </header>
  );
}
