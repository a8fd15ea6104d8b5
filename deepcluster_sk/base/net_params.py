"""Settings of the skorch net that pass through an estimator by their skorch names."""

import inspect
import threading
from collections.abc import Callable
from functools import partial
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import torch
from sklearn.utils._param_validation import Interval, validate_parameter_constraints
from torch.utils.data import DataLoader

from deepcluster_sk.training.callbacks import check_callbacks
from deepcluster_sk.training.net import callback_names
from deepcluster_sk.training.strategy import POSITIVE

#: What may stand before ``__`` in the name of a setting.
PREFIXES = ("module", "optimizer", "iterator_train", "callbacks")
#: Settings of the loader that the estimator fixes itself.
_FIXED = {"dataset", "batch_size", "shuffle", "sampler", "batch_sampler", "drop_last"}
#: What numbers of the loader may be: it looks at them only once it is running. Each
#: worker is a process, and a number without bound would take all of a machine.
_LOADER_NUMBERS: dict[str, list[Any]] = {
    "num_workers": [Interval(Integral, 0, 1024, closed="both")],
    "prefetch_factor": [Interval(Integral, 1, 1024, closed="both"), None],
    "timeout": [Interval(Real, 0, threading.TIMEOUT_MAX, closed="both")],
}


def is_net_param(name: str) -> bool:
    """Whether a parameter name is a setting of the net: ``optimizer__lr``, say."""
    prefix, separator, rest = name.partition("__")
    return prefix in PREFIXES and bool(separator and rest)


class NetParamsMixin:
    """Constructor arguments that are settings of the net, on top of an estimator's own.

    Such as ``optimizer__weight_decay`` or ``iterator_train__num_workers``.

    ``module__<name>`` may be any of `_module_constraints`, ``callbacks__<name>`` a
    callback of the net, such as ``callbacks__lr_decay=None``, or a parameter of one.

    They are carried by ``get_params``, ``set_params`` and ``clone``, so that a grid may
    run over them, and reach the net in ``fit``. Put it before ``BaseEstimator``.
    """

    callbacks: Any

    #: Settings of the network that a user may make, with what each may be.
    _module_constraints: ClassVar[dict[str, list[Any]]] = {}

    def _store_net_params(self, params: dict[str, Any]) -> None:
        """Store the extra keyword arguments of a constructor; ``fit`` checks them."""
        if params:
            self._extra_params = params

    @property
    def _net_params(self) -> dict[str, Any]:
        return getattr(self, "_extra_params", {})

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Get the parameters of this estimator, the net's settings among them.

        Parameters
        ----------
        deep : bool, default=True
            Whether parameters of nested estimators are included.

        Returns
        -------
        dict
        """
        return {**super().get_params(deep=deep), **self._net_params}  # type: ignore[misc]

    def set_params(self, **params: Any) -> Self:
        """Set parameters of this estimator.

        Parameters
        ----------
        **params
            Own parameters, and settings of the net such as ``optimizer__lr``.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If a name is neither.
        """
        own = {name: value for name, value in params.items() if not is_net_param(name)}
        self._check_nested(own)
        super().set_params(**own)  # type: ignore[misc]
        extra = {name: value for name, value in params.items() if is_net_param(name)}
        # A new dictionary: a clone may share the old one.
        self._store_net_params({**self._net_params, **extra})
        return self

    def _check_nested(self, params: dict[str, Any]) -> None:
        """Say so where a name reaches into what has no parameters."""
        known = super().get_params(deep=False)  # type: ignore[misc]
        for name in params:
            part, separator, rest = name.partition("__")
            value = params.get(part, known.get(part))
            if separator and part in known and not hasattr(value, "set_params"):
                named = value is None or isinstance(value, str)
                shown = repr(value) if named else f"<{type(value).__name__}>"
                raise ValueError(
                    f"{part}={shown} has no parameter {rest!r}. Only those of an "
                    f"object can be set, so give {part} one first."
                )

    def _check_net_params(self, optimizer: type[torch.optim.Optimizer]) -> None:
        """Check names and values of the settings, before any work is done.

        Raises
        ------
        TypeError
            If a name is no parameter at all, as Python has it for functions.
        ValueError
            If a setting does not exist, with those that do, or its value is refused.
        """
        values = self._by_prefix(optimizer)
        validate_parameter_constraints(
            {f"module__{n}": kinds for n, kinds in self._module_constraints.items()},
            {f"module__{name}": value for name, value in values["module"].items()},
            caller_name=type(self).__name__,
        )
        if "lr_decay" not in values["callbacks"]:  # or it may be the user's own
            validate_parameter_constraints(
                {"lr_decay__peak": [POSITIVE], "lr_decay__enabled": ["boolean"]},
                values["callbacks"],
                caller_name=type(self).__name__,
            )
        loader = values["iterator_train"].items()
        validate_parameter_constraints(
            {f"iterator_train__{n}": kinds for n, kinds in _LOADER_NUMBERS.items()},
            {f"iterator_train__{n}": v for n, v in loader if n in _LOADER_NUMBERS},
            caller_name=type(self).__name__,
        )
        _try("optimizer", values, partial(_try_optimizer, optimizer))
        _try("iterator_train", values, _try_loader)

    def _by_prefix(
        self, optimizer: type[torch.optim.Optimizer]
    ) -> dict[str, dict[str, Any]]:
        """Part the settings by prefix, and check their names, and callbacks."""
        valid = {
            "module": set(self._module_constraints),
            "optimizer": _argument_names(optimizer) - {"params"},
            "iterator_train": _argument_names(DataLoader) - _FIXED,
            "callbacks": callback_names(self.callbacks),
        }
        values: dict[str, dict[str, Any]] = {prefix: {} for prefix in PREFIXES}
        for name, value in self._net_params.items():
            if not is_net_param(name):
                own = sorted(super().get_params(deep=False))  # type: ignore[misc]
                raise TypeError(
                    f"{type(self).__name__} got an unexpected keyword argument "
                    f"{name!r}. Its parameters are {own} and settings of the net: "
                    f"{', '.join(f'{prefix}__<name>' for prefix in PREFIXES)}."
                )
            prefix, _, rest = name.partition("__")
            # Parameters of a callback are the net's to check, when it is built.
            known = rest.partition("__")[0] if prefix == "callbacks" else rest
            if known not in valid[prefix]:
                raise ValueError(
                    f"{type(self).__name__} has no parameter {name!r}. Valid ones with "
                    f"this prefix: {sorted(f'{prefix}__{v}' for v in valid[prefix])}."
                )
            if prefix == "callbacks" and "__" not in rest and value is not None:
                check_callbacks([(rest, value)])
            values[prefix][rest] = value
        return values

    def _given_net_params(self) -> dict[str, Any]:
        """List the settings that a user made, less those left to "auto"."""
        return {
            name: value
            for name, value in self._net_params.items()
            if not (isinstance(value, str) and value == "auto")
        }


def _try(prefix: str, values: dict[str, Any], build: Callable[..., Any]) -> None:
    """Build something with the settings of a prefix, to see whether it takes them."""
    try:
        build(**values[prefix])
    except Exception as error:  # whatever a wrong value makes torch raise
        settings = {f"{prefix}__{k}": v for k, v in values[prefix].items()}
        raise ValueError(f"{settings} was refused: {error}") from error


def _try_optimizer(optimizer: type[torch.optim.Optimizer], **settings: Any) -> None:
    weight = torch.nn.Parameter(torch.ones(1, dtype=torch.float32))
    weight.grad = torch.ones_like(weight)
    optimizer([weight], **settings).step()


def _try_loader(**settings: Any) -> None:
    data: Any = [0]
    # A loader draws from its generator, or else from torch's global stream.
    drawn = settings.pop("generator", None) or torch.Generator()
    before = drawn.get_state()
    loader = DataLoader(data, batch_size=None, generator=drawn, **settings)
    if not loader.num_workers:  # workers take seconds to start
        next(iter(loader))
    drawn.set_state(before)


def _argument_names(function: Any) -> set[str]:
    return set(inspect.signature(function).parameters)
