using static TorchSharp.torch;
using static TorchSharp.torch.optim;

namespace TorchSharp.Modules;

/// <summary>Adagrad: steps divided by the root of the sum of all squared gradients so far.</summary>
public partial class Adagrad : OptimizerHelper
{
    public Adagrad(IEnumerable<Parameter> parameters, double lr = 0.01, double lr_decay = 0, double weight_decay = 0, double initial_accumulator_value = 0, double eps = 1e-10)
        : this([new ParamGroup { Parameters = parameters }], lr, lr_decay, weight_decay, initial_accumulator_value, eps)
    {
    }

    public Adagrad(IEnumerable<ParamGroup> parameters, double lr = 0.01, double lr_decay = 0, double weight_decay = 0, double initial_accumulator_value = 0, double eps = 1e-10)
    {
        Require(lr >= 0, "learning rate", lr);
        Require(eps >= 0, "ε", eps);
        Require(lr_decay >= 0, "lr_decay value", lr_decay);
        Require(weight_decay >= 0, "weight_decay value", weight_decay);
        Require(initial_accumulator_value >= 0, "initial_accumulator_value", initial_accumulator_value);
        _defaults = new Options { LearningRate = lr, lr_decay = lr_decay, weight_decay = weight_decay, initial_accumulator_value = initial_accumulator_value, eps = eps, InitialLearningRate = lr };
        AddGroups(parameters);
    }

    public override Tensor step(Func<Tensor> closure = null) => _step<ParamGroup>(Update, closure);

    public override void add_param_group(Modules.ParamGroup param_group)
    {
        param_group.Options ??= new Options();
        ((Options)param_group.Options).FillFrom((Options)_defaults);
        Register(param_group, parameter => new State(parameter));
    }

    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        DisposeStates();
    }

    private void Update(ParamGroup group)
    {
        Options options = group.Options;
        foreach (Parameter parameter in group.Parameters)
            if (parameter.grad is { } gradient)
                Update(parameter, gradient, (State)_state[parameter.Handle], options);
    }

    private static void Update(Parameter parameter, Tensor gradient, State state, Options options)
    {
        state.step++;
        if (options.weight_decay.Value != 0)
            gradient = gradient.add(parameter, alpha: options.weight_decay.Value);
        double rate = options.LearningRate.Value / (1 + ((state.step - 1) * options.lr_decay.Value));
        state.sum.addcmul_(gradient, gradient, value: 1);
        parameter.addcdiv_(gradient, state.sum.sqrt().add_(options.eps.Value), value: -rate);
    }
}
