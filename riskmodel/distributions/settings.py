"""The risks of single settings: of each series' own and of a new one, as data from which each is made when asked for."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import overload

import numpy as np
from numpy.typing import NDArray

from riskmodel._support.kept import Value, beside
from riskmodel.distributions.base import DeferredDistribution, Distribution, SettingDistribution
from riskmodel.distributions.mixture import BetaMixture

Counts = NDArray[np.int64]


@dataclass(frozen=True, eq=False, repr=False)
class Settings(Value, Sequence[Distribution]):
    """The risk in each series' own setting, in their order, and in a new one.

    What these return is kept beside the settings, so it must not refer back to them.
    """

    events: Counts  # events, totals: of the series
    totals: Counts

    @property
    @abstractmethod
    def new_setting(self) -> SettingDistribution:
        """The risk in a setting that is not among the series."""

    @abstractmethod
    def own(self, i: int) -> Distribution:
        """The risk in the setting of series number i."""

    def __len__(self) -> int:
        """How many series."""
        return self.events.size

    @overload
    def __getitem__(self, i: int) -> Distribution: ...
    @overload
    def __getitem__(self, i: slice) -> tuple[Distribution, ...]: ...
    def __getitem__(self, i: int | slice) -> Distribution | tuple[Distribution, ...]:
        """One series' risk, made when first asked for; a slice of them."""
        if isinstance(i, slice):
            return tuple(self[place] for place in range(len(self))[i])
        place = range(len(self))[i]
        held = beside(self)
        if place not in held:
            held[place] = self.own(place)
        one: Distribution = held[place]
        return one

    def __repr__(self) -> str:
        """How many there are."""
        return f"{type(self).__name__}({len(self)} series)"


@dataclass(frozen=True, eq=False, repr=False)
class AlikeSettings(Settings):
    """All settings have one risk."""

    risk: SettingDistribution

    @property
    def new_setting(self) -> SettingDistribution:
        """The risk."""
        return self.risk

    def own(self, i: int) -> SettingDistribution:
        """The risk."""
        return self.risk


@dataclass(frozen=True, eq=False, repr=False)
class BetaSettings(Settings):
    """Settings whose risk is a Beta given the hyperparameters, so that a series' own has its counts added to each."""

    mixture: BetaMixture  # a Beta for every draw of the hyperparameters

    @property
    def new_setting(self) -> BetaMixture:
        """The mixture."""
        return self.mixture

    def own(self, i: int) -> BetaMixture:
        """Weights stay, for the hyperparameters have seen all series."""
        return self.mixture.shifted(int(self.events[i]), int(self.totals[i]))


@dataclass(frozen=True, eq=False, repr=False)
class NewSetting(DeferredDistribution):
    """The risk in a new setting, which has the mean of the average."""

    average: Distribution
    settings: Settings

    @property
    def mean(self) -> float:
        """Posterior mean: that of the average."""
        return self.average.mean

    @property
    def made(self) -> SettingDistribution:
        """The risk itself."""
        return self.settings.new_setting
