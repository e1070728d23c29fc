using static TorchSharp.torch;
using static TorchSharp.torch.optim;

namespace TorchSharp.Modules;

/// <summary>RMSProp: steps divided by a running root mean square of the gradient.</summary>
public partial class RMSProp : OptimizerHelper, IMomentum
{
    public RMSProp(IEnumerable<Parameter> parameters, double lr = 0.001, double alpha = 0.99, double eps = 1e-8, double weight_decay = 0, double momentum = 0, bool centered = false, bool maximize = false)
        : this([new ParamGroup { Parameters = parameters }], lr, alpha, eps, weight_decay, momentum, centered, maximize)
    {
    }

    public RMSProp(IEnumerable<ParamGroup> parameters, double lr = 0.001, double alpha = 0.99, double eps = 1e-8, double weight_decay = 0, double momentum = 0, bool centered = false, bool maximize = false)
    {
        Require(lr >= 0, "learning rate", lr);
        Require(eps >= 0, "ε", eps);
        Require(alpha >= 0, "alpha", alpha);
        Require(momentum >= 0, "momentum value", momentum);
        Require(weight_decay >= 0, "weight_decay value", weight_decay);
        _defaults = new Options { LearningRate = lr, alpha = alpha, eps = eps, weight_decay = weight_decay, momentum = momentum, centered = centered, maximize = maximize, InitialLearningRate = lr };
        AddGroups(parameters);
    }

    public double Momentum
    {
        get => ((Options)_defaults).momentum.Value;
        set => ((Options)_defaults).momentum = value;
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
        double alpha = options.alpha.Value, rate = options.LearningRate.Value;
        if (options.maximize.Value)
            gradient = -gradient;
        if (options.weight_decay.Value != 0)
            gradient = gradient.add(parameter, alpha: options.weight_decay.Value);
        state.step++;
        state.square_avg.mul_(alpha).addcmul_(gradient, gradient, value: 1 - alpha);
        Tensor scale = Square(gradient, state, options).add_(options.eps.Value);
        if (options.momentum.Value > 0)
        {
            state.momentum_buffer.mul_(options.momentum.Value).addcdiv_(gradient, scale, value: 1);
            parameter.add_(state.momentum_buffer, alpha: -rate);
        }
        else
        {
            parameter.addcdiv_(gradient, scale, value: -rate);
        }
    }

    private static Tensor Square(Tensor gradient, State state, Options options)
    {
        if (!options.centered.Value)
            return state.square_avg.sqrt();
        state.grad_avg.mul_(options.alpha.Value).add_(gradient, alpha: 1 - options.alpha.Value);
        return state.square_avg.addcmul(state.grad_avg, state.grad_avg, value: -1).sqrt_();
    }
}
