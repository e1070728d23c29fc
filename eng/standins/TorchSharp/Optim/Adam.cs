using static TorchSharp.torch;
using static TorchSharp.torch.optim;

namespace TorchSharp.Modules;

/// <summary>Adam (arXiv:1412.6980); weight decay is added to the gradient.</summary>
public partial class Adam : OptimizerHelper, IBetas
{
    public Adam(IEnumerable<Parameter> parameters, double lr = 0.001, double beta1 = 0.9, double beta2 = 0.999, double eps = 1e-8, double weight_decay = 0, bool amsgrad = false, bool maximize = false)
        : this([new ParamGroup { Parameters = parameters }], lr, beta1, beta2, eps, weight_decay, amsgrad, maximize)
    {
    }

    public Adam(IEnumerable<ParamGroup> parameters, double lr = 0.001, double beta1 = 0.9, double beta2 = 0.999, double eps = 1e-8, double weight_decay = 0, bool amsgrad = false, bool maximize = false)
    {
        Require(lr >= 0, "learning rate", lr);
        Require(eps >= 0, "ε", eps);
        Require(beta1 is >= 0 and < 1, "beta1", beta1);
        Require(beta2 is >= 0 and < 1, "beta2", beta2);
        Require(weight_decay >= 0, "weight_decay value", weight_decay);
        _defaults = new Options { LearningRate = lr, beta1 = beta1, beta2 = beta2, eps = eps, weight_decay = weight_decay, amsgrad = amsgrad, maximize = maximize, InitialLearningRate = lr };
        AddGroups(parameters);
    }

    public (double, double) Betas
    {
        get => (((Options)_defaults).beta1.Value, ((Options)_defaults).beta2.Value);
        set => (((Options)_defaults).beta1, ((Options)_defaults).beta2) = value;
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
        double beta1 = options.beta1.Value, beta2 = options.beta2.Value, rate = options.LearningRate.Value;
        if (options.maximize.Value)
            gradient = -gradient;
        state.step++;
        if (options.weight_decay.Value != 0)
            gradient = gradient.add(parameter, alpha: options.weight_decay.Value);
        state.exp_avg.mul_(beta1).add_(gradient, alpha: 1 - beta1);
        state.exp_avg_sq.mul_(beta2).addcmul_(gradient, gradient, value: 1 - beta2);
        if (options.amsgrad.Value)
        {
            Tensor before = state.max_exp_avg_sq;
            state.max_exp_avg_sq = maximum(before, state.exp_avg_sq).DetachFromDisposeScope();
            before.Dispose();
        }
        Tensor square = options.amsgrad.Value ? state.max_exp_avg_sq : state.exp_avg_sq;
        double correction1 = 1 - Math.Pow(beta1, state.step), correction2 = 1 - Math.Pow(beta2, state.step);
        Tensor scale = square.sqrt().div_(Math.Sqrt(correction2)).add_(options.eps.Value);
        parameter.addcdiv_(state.exp_avg, scale, value: -rate / correction1);
    }
}
