"""Versions and aliases of artifacts.

versions/<version>/manifest.json   written last: a version without it does not exist
versions/<version>/<files>
aliases/<name>.json                which version it names: the only thing that ever changes
history/<event>.json               who moved an alias, when, from where to where, and why
marks/<name>.json                  a number that only grows
"""

from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from model_store.aliases import ANY, CHAMPION, PREVIOUS, Aliases, check_alias
from model_store.counters import Counters
from model_store.errors import Conflict, CustomerClustersError, NotFound, WrongArtifact
from model_store.history import Event, Reason
from model_store.manifest import FileRecord, Manifest, content_digest
from model_store.retention import MANIFEST, leftovers, removable, remove
from model_store.storage.base import Storage
from model_store.trust import refuse_untrusted, refuse_untrusted_signer
from model_store.version import Version

if TYPE_CHECKING:
    from model_store.signing import Signer


class Artifact(NamedTuple):
    """One published version; its files are read on demand and checked against the manifest."""

    manifest: Manifest
    storage: Storage

    @property
    def version(self) -> str:
        """The version's id."""
        return str(self.manifest.version)

    def read(self, name: str) -> bytes:
        """The content of a file, exactly as it was published.

        Raises:
            NotFound: The artifact has no such file.
            WrongArtifact: The file is missing or differs from what was published.
        """
        record = self.manifest.files.get(name)
        if record is None:
            raise NotFound(f"file {name}", f"artifact {self.version}", tuple(self.manifest.files))
        try:
            content = self.storage.read(f"versions/{self.version}/{name}")
        except NotFound as error:
            raise self._damaged(f"{name} is missing") from error
        if FileRecord.of(content) != record:
            raise self._damaged(f"{name} is not the file that was published (sha256 differs)")
        return content

    def verify(self) -> None:
        """Read every file.

        Raises:
            WrongArtifact: One is missing or differs from what was published.
        """
        for name in self.manifest.files:
            self.read(name)

    def _damaged(self, problem: str) -> WrongArtifact:
        return WrongArtifact(self.version, problem, "publish it again or use another version")


class Store:
    """Artifacts in some storage, found by version or alias."""

    def __init__(self, storage: Storage, trusted: tuple[str, ...] = ()) -> None:
        """Open the store in some storage.

        Args:
            storage: Where its files are.
            trusted: Public keys. Where there are any, a version that none of them signed is
                refused.
        """
        self._storage, self._aliases, self._trusted = storage, Aliases(storage), trusted
        self.counters = Counters(storage)

    def __str__(self) -> str:
        return str(self._storage)

    def publish(
        self,
        contents: Mapping[str, bytes],
        facts: Mapping[str, Any],
        now: datetime | None = None,
        signer: "Signer | None" = None,
    ) -> Artifact:
        """Store files as a new version, the manifest last.

        A version is always later than those that are there, though this machine's clock may be
        behind: so the newest are the newest, and a clock decides nothing.

        Args:
            contents: The files, by their names.
            facts: What their maker states about them, for the manifest; JSON must hold it.
            now: The time, with its zone; by default this machine's.
            signer: Who vouches for the version.

        Returns:
            The new version; the one that is there already where it has the very same files.

        Raises:
            WrongArtifact: The files cannot be published as they are named, or the store would
                refuse the version when it is opened.
            Conflict: Somebody else publishes at this moment.
        """
        self.check_signer(signer)
        records = {name: FileRecord.of(content) for name, content in contents.items()}
        published = self.versions()
        version = Version.of(content_digest(records), now or datetime.now(UTC)).after(published)
        for known in reversed(published):
            if known.content == version.content:
                artifact = self._artifact(str(known), self._manifest(str(known)))
                if artifact.manifest.files == records:
                    if signer is not None:
                        self.sign(artifact.version, signer)
                    return artifact
        manifest = Manifest(version, records, facts)
        Manifest.from_json(manifest.to_json(), str(version))  # refuse what could not be read back
        for name, content in contents.items():
            self._create(f"versions/{version}/{name}", content)
        if signer is not None:
            self._sign(str(version), manifest.to_json(), signer)
        self._create(f"versions/{version}/{MANIFEST}", manifest.to_json())
        with suppress(CustomerClustersError):  # the next publish will try again
            self._sweep()
        return Artifact(manifest, self._storage)

    def versions(self) -> list[Version]:
        """All published versions, oldest first."""
        versions = []
        for name in self._storage.names("versions"):
            try:
                version = Version.from_string(name)
            except ValueError:
                continue
            if MANIFEST in self._storage.names(f"versions/{name}"):
                versions.append(version)
        return sorted(versions)

    def aliases(self) -> dict[str, str]:
        """The version id of every alias, by its name."""
        return self._aliases.versions()

    def point(self, alias: str, version: str, reason: Reason | None = None) -> None:
        """Make an alias name a published version.

        Args:
            alias: The alias; it may be new.
            version: A version id, or an alias that names it.
            reason: Who moves it and why, for the history.

        Raises:
            NotFound: There is no such version, or no alias can have that name.
            Conflict: Somebody else moves the alias at this moment.
        """
        self.check_alias(alias)
        artifact = self.open(version)
        self._aliases.move(alias, artifact.version, reason or Reason("", ""))

    def promote(
        self,
        reference: str,
        why: str,
        who: str,
        details: Mapping[str, Any] | None = None,
        instead_of: str | None = ANY,
    ) -> str:
        """Make a version the champion, and the champion the previous one, in one write.

        Every file of the version is verified first. Promoting the champion changes nothing, so
        that a promotion whose answer was lost can be repeated.

        Args:
            reference: An alias or a version id.
            why: The reason, for the history.
            who: Who promotes it.
            details: What else an auditor should know.
            instead_of: The version that must still be the champion; None where there must be
                none. By default it may be any.

        Returns:
            The id of the champion.

        Raises:
            NotFound: There is no such version.
            WrongArtifact: One of its files is missing or differs from what was published.
            Conflict: Another version is champion than was expected.
        """
        artifact = self.open(reference)
        artifact.verify()
        reason = Reason(who, why, "promote", details or {})
        self._aliases.move(CHAMPION, artifact.version, reason, instead_of)
        return artifact.version

    def rollback(self, why: str, who: str) -> str:
        """Exchange champion and previous in one write; a second rollback goes forward again.

        Args:
            why: The reason, for the history.
            who: Who rolls back.

        Returns:
            The id of the version that is champion now.

        Raises:
            NotFound: There is no previous champion.
            WrongArtifact: One of its files is missing or differs from what was published.
            Conflict: Somebody else moves the champion at this moment.
        """
        champion, previous = self.resolve(CHAMPION), self.resolve(PREVIOUS)
        self.open(previous).verify()
        self._aliases.move(CHAMPION, previous, Reason(who, why, "rollback"), champion)
        return previous

    def history(self) -> list[tuple[Event, bool]]:
        """Every move of an alias that was begun, oldest first, and whether it took effect."""
        return self._aliases.history()

    def removable(self, keep: int) -> list[str]:
        """The versions that `prune` would remove, and leftovers of crashes, oldest first."""
        aliased = self.aliases().values()
        return sorted([*removable(self.versions(), aliased, keep), *self._leftovers()])

    def prune(self, keep: int) -> list[str]:
        """Remove all but the newest `keep` versions and those that an alias names.

        Returns:
            The ids of those that were removed, oldest first.
        """
        return [name for name in self.removable(keep) if remove(self._storage, self._aliases, name)]

    def check_alias(self, alias: str) -> None:
        """Refuse a text that cannot be the name of an alias.

        Raises:
            NotFound: It cannot.
        """
        check_alias(alias, str(self))

    def resolve(self, reference: str) -> str:
        """The version id that an alias or a version id means.

        Raises:
            NotFound: It means none; says which there are.
        """
        aliased = self._aliases.find(reference)
        if aliased is not None:
            return aliased
        known = tuple(str(version) for version in self.versions())
        if reference not in known:
            names = (*self._aliases.names(), *known)
            raise NotFound(f"model {reference!r}", f"store {self}", names)
        return reference

    def open(self, reference: str) -> Artifact:
        """The artifact that an alias or a version id means.

        Raises:
            NotFound: It means none; says which there are.
            WrongArtifact: The version is gone, damaged, of a newer format, or signed by none of
                the trusted keys.
        """
        version = self.resolve(reference)
        try:
            content = self._manifest(version)
        except NotFound as error:
            problem = f"it is not there, though {reference!r} means it"
            raise WrongArtifact(version, problem, "point the alias at another version") from error
        refuse_untrusted(self._storage, version, content, self._trusted)
        return self._artifact(version, content)

    def check_signer(self, signer: "Signer | None") -> None:
        """Refuse a signer, or none, whose versions this store would refuse.

        Raises:
            WrongArtifact: It would; says what to do.
        """
        refuse_untrusted_signer(signer, self._trusted)

    def sign(self, reference: str, signer: "Signer") -> str:
        """Vouch for a version, all of whose files are verified first.

        Returns:
            Its id.

        Raises:
            NotFound: There is no such version.
            WrongArtifact: One of its files is missing or differs from what was published.
        """
        version = self.resolve(reference)
        content = self._manifest(version)
        self._artifact(version, content).verify()
        self._sign(version, content, signer)
        return version

    def _sign(self, version: str, manifest: bytes, signer: "Signer") -> None:
        from model_store.signing import signature_name

        name = signature_name(signer.public)
        self._create(f"versions/{version}/{name}", signer.sign(manifest))

    def _manifest(self, version: str) -> bytes:
        return self._storage.read(f"versions/{version}/{MANIFEST}")

    def _artifact(self, version: str, manifest: bytes) -> Artifact:
        return Artifact(Manifest.from_json(manifest, version), self._storage)

    def _sweep(self) -> None:
        for name in self._leftovers():
            remove(self._storage, self._aliases, name)

    def _leftovers(self) -> list[str]:
        known = {str(version) for version in self.versions()}
        return leftovers(self._storage, known, self.aliases().values(), datetime.now(UTC))

    def _create(self, name: str, content: bytes) -> None:
        """Create a file; the very same one may be there from an attempt whose answer was lost."""
        try:
            self._storage.create(name, content)
        except Conflict:
            if self._storage.read(name) != content:
                raise
