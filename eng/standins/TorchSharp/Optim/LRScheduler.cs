namespace TorchSharp;

public static partial class torch
{
    public static partial class optim
    {
        public static partial class lr_scheduler
        {
            /// <summary>Sets the learning rate of each parameter group, once per step; the first step is taken by the constructor.</summary>
            public abstract class LRScheduler
            {
                protected int _step_count;

                private readonly bool _verbose;

                protected LRScheduler()
                {
                }

                protected LRScheduler(Optimizer optimizer, int last_epoch = -1, bool verbose = false)
                {
                    ArgumentNullException.ThrowIfNull(optimizer);
                    Optimizer = optimizer;
                    LastEpoch = last_epoch;
                    _verbose = verbose;
                    Base = optimizer.ParamGroups.Select(group => group.InitialLearningRate).ToList();
                    Last = optimizer.ParamGroups.Select(group => group.LearningRate).ToList();
                }

                internal Optimizer Optimizer { get; private protected set; }

                internal int LastEpoch { get; set; } = -1;

                internal List<double> Base { get; }

                internal List<double> Last { get; private protected set; }

                public IEnumerable<double> get_last_lr() => Last;

                public virtual void step() => step(null);

                public virtual void step(double current, int? epoch = null) => step(epoch);

                public virtual void step(int? epoch)
                {
                    _step_count++;
                    LastEpoch = epoch ?? (LastEpoch + 1);
                    List<double> rates = (epoch is null ? get_lr() : get_closed_form_lr()).ToList();
                    int i = 0;
                    foreach (ILearningRateController group in Optimizer.ParamGroups.ToList())
                    {
                        group.LearningRate = rates[i];
                        if (_verbose && Last[i] != rates[i])
                            Console.WriteLine($"Adjusting learning rate to {rates[i]}");
                        Last[i] = rates[i];
                        i++;
                    }
                }

                /// <summary>The rates of this step, made from those of the step before.</summary>
                protected virtual IEnumerable<double> get_lr() => Current(rate => rate);

                /// <summary>The rates of an epoch asked for by number, made from the initial ones.</summary>
                protected virtual IEnumerable<double> get_closed_form_lr() => get_lr();

                private protected List<double> Current(Func<double, double> change) =>
                    Optimizer.ParamGroups.Select(group => change(group.LearningRate)).ToList();

                private protected List<double> Current(Func<double, int, double> change) =>
                    Optimizer.ParamGroups.Select((group, i) => change(group.LearningRate, i)).ToList();

                private protected List<double> Initial(Func<double, double> change) => Base.ConvertAll(rate => change(rate));
            }
        }
    }
}
